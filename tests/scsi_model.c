/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_model: the model of a drive, command by command. */
#include "scsi_model.h"

#include <stddef.h>

#include "base/bytes.h"

enum {
	MOST = 131072,        /* bytes that a command moves */
	MOST_SPAN = 33553920, /* bytes that it checks or fills: 65535 blocks */
	CD_MOST = 734003200,  /* bytes of a CD-ROM; a DVD-ROM has more */
};

typedef uint32_t sense_t;

static unsigned
block_size(const struct model *m)
{
	return m->kind == MODEL_CD ? 2048 : 512;
}

void
model_init(struct model *m, enum model_kind kind, uint64_t size, bool is_protected,
	struct store *store)
{
	memset(m, 0, sizeof(*m));
	m->kind = kind;
	m->store = store;
	model_replace(m, size, is_protected);
}

void
model_replace(struct model *m, uint64_t size, bool is_protected)
{
	m->size = size;
	m->is_protected = is_protected || m->kind == MODEL_CD;
	memset(m->boot, 0, sizeof(m->boot));
	if (m->kind != MODEL_CD && !m->reads_fail)
		store_read_bytes(m->store, 0, size < 512 ? size : 512, m->boot);
	if (m->is_seen)
		m->is_another = true;
	m->is_seen = false;
	model_insert(m);
}

void
model_insert(struct model *m)
{
	m->is_present = true;
	m->blocks = m->size / block_size(m);
	m->has_attention = true;
	m->has_event = true;
	m->is_locked = false;
	m->sense = 0;
	m->is_sense_old = false;
}

static void
eject(struct model *m)
{
	m->is_present = false;
	m->blocks = 0;
	m->has_attention = m->is_another = m->is_seen = false;
	m->has_event = true;
	m->is_locked = false;
}

static bool
flush(struct model *m)
{
	if (m->is_dirty && m->flushes_fail)
		return false;
	m->is_dirty = false;
	return true;
}

bool
model_flush(struct model *m)
{
	if (flush(m))
		return true;
	m->waiting = 0x030C00;
	return false;
}

static bool
is_writable(const struct model *m)
{
	return m->kind != MODEL_CD && !(m->is_present && m->is_protected);
}

static bool
is_dvd(const struct model *m)
{
	return m->blocks * block_size(m) > CD_MOST;
}

/* ---- answers ---- */

/* Gives the host n bytes of what the outcome holds, but no more than it asks for in two ways. */
static sense_t
give(struct model_outcome *o, const struct model_request *r, uint64_t n, uint64_t allocation)
{
	if (n > allocation)
		n = allocation;
	if (n > r->want)
		n = r->want;
	o->len = (uint32_t)n;
	return 0;
}

static uint32_t
at_most_32_bits(uint64_t n)
{
	return n < 0xFFFFFFFF ? (uint32_t)n : 0xFFFFFFFF;
}

/* ---- address and length ---- */

static uint64_t
address(const uint8_t *c)
{
	switch (c[0] & 0xE0) {
	case 0x00:
		return (c[1] & 0x1Fu) << 16 | get_be16(c + 2);
	case 0x80:
		return get_be64(c + 2);
	default:
		return get_be32(c + 2);
	}
}

/* Of a 16-byte CDB that was cut, the lower half is lost. */
static uint64_t
length(const struct model_request *r)
{
	const uint8_t *c = r->cdb;

	switch (c[0] & 0xE0) {
	case 0x00:
		return c[4] ? c[4] : 256;
	case 0x80:
		return r->is_cut ? (uint64_t)get_be16(c + 10) << 16 : get_be32(c + 10);
	case 0xA0:
		return get_be32(c + 6);
	default:
		return get_be16(c + 7);
	}
}

/* Nothing but the data, in or out, tells how many blocks it is: fewer than 65536. */
static bool
is_length_lost(const struct model_request *r)
{
	return r->is_cut && (r->cdb[0] & 0xE0) == 0x80 && length(r) == 0;
}

static bool
is_outside(const struct model *m, uint64_t from, uint64_t count)
{
	return from > m->blocks || m->blocks - from < count;
}

/* ---- reading ---- */

static sense_t
read_sectors(const struct model *m, const struct model_request *r, uint64_t from, uint64_t count,
	struct model_outcome *o)
{
	unsigned bs = block_size(m);
	uint64_t fits = r->want / bs;

	if (is_outside(m, from, count))
		return 0x052100;
	if (count > 0 && fits == 0)
		return 0x052400;
	if (count > fits)
		count = fits;
	if (count * bs > MOST)
		return 0x052400;
	if (count == 0)
		return 0;
	if (m->reads_fail)
		return 0x031100;
	store_read_bytes(m->store, from * bs, count * bs, o->bytes);
	o->len = (uint32_t)count * bs;
	return 0;
}

static sense_t
do_read(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;
	unsigned bs = block_size(m);
	uint64_t count = length(r);

	if (c[0] == 0xA8) {
		uint64_t turned = get_le32(c + 6);

		if (count * bs != r->want && turned * bs == r->want)
			count = turned;
	}
	if (is_length_lost(r)) {
		if (r->want == 0)
			return 0x052400;
		count = ((uint64_t)r->want + bs - 1) / bs;
	}
	return read_sectors(m, r, address(c), count, o);
}

static sense_t
do_read_cd(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;
	uint64_t from, count;
	unsigned type = c[1] >> 2 & 7;

	if (c[0] == 0xBE) {
		from = get_be32(c + 2);
		count = get_be24(c + 6);
	} else {
		uint32_t begin = (c[3] * 60u + c[4]) * 75 + c[5];
		uint32_t end = (c[6] * 60u + c[7]) * 75 + c[8];

		if (c[4] > 59 || c[5] > 74 || c[7] > 59 || c[8] > 74 || end < begin)
			return 0x052400;
		if (begin < 150)
			return 0x052100;
		from = begin - 150;
		count = end - begin;
	}
	if (is_dvd(m))
		return 0x053002;
	if (type > 5 || (c[10] & 7))
		return 0x052400;
	if ((c[9] & 0xFE) != 0 && (c[9] & 0xFE) != 0x10)
		return 0x052400;
	if (is_outside(m, from, count))
		return 0x052100;
	if (count > 0 && type != 0 && type != 2)
		return 0x056400;
	if ((c[9] & 0xFE) == 0)
		return 0;
	return read_sectors(m, r, from, count, o);
}

/* ---- writing and comparing ---- */

/* The blocks of a command that brings data. */
static sense_t
data_extent(const struct model *m, const struct model_request *r, uint64_t *count)
{
	unsigned bs = block_size(m);
	uint32_t n = r->data ? r->data_len : 0;

	*count = length(r);
	if (is_length_lost(r)) {
		if (n == 0 || n > MOST) /* with no data it could be any number */
			return 0x052400;
		*count = n / bs;
	}
	if (is_outside(m, address(r->cdb), *count))
		return 0x052100;
	if (*count * bs != n || n > MOST)
		return 0x052400;
	return 0;
}

static sense_t
compare(const struct model *m, const struct model_request *r, uint64_t count)
{
	static uint8_t bytes[MOST];
	unsigned bs = block_size(m);

	if (m->reads_fail)
		return 0x031100;
	store_read_bytes(m->store, address(r->cdb) * bs, count * bs, bytes);
	return memcmp(bytes, r->data, count * bs) == 0 ? 0 : 0x0E1D00;
}

static sense_t
do_write(struct model *m, const struct model_request *r)
{
	const uint8_t *c = r->cdb;
	bool verifies = c[0] == 0x2E || c[0] == 0xAE || c[0] == 0x8E;
	bool is_forced = verifies || (c[0] != 0x0A && (c[1] & 8));
	uint64_t count;
	sense_t sense = data_extent(m, r, &count);

	if (sense || count == 0)
		return sense;
	m->is_dirty = true;
	if (m->writes_fail)
		return 0x030C00;
	store_write_bytes(m->store, address(c) * 512, count * 512, r->data);
	if (is_forced && !flush(m))
		return 0x030C00;
	return verifies ? compare(m, r, count) : 0;
}

static sense_t
fill(struct model *m, uint64_t from, uint64_t count, const uint8_t *block)
{
	m->is_dirty = true;
	if (m->writes_fail)
		return 0x030C00;
	for (uint64_t i = 0; i < count; i++)
		store_write(m->store, from + i, block);
	return 0;
}

static sense_t
do_write_same(struct model *m, const struct model_request *r)
{
	const uint8_t *c = r->cdb;
	uint64_t count = length(r);

	if ((c[1] & 0x1F) || count == 0)
		return 0x052400;
	if (is_outside(m, address(c), count))
		return 0x052100;
	if (!r->data || r->data_len != 512 || count * 512 > MOST_SPAN)
		return 0x052400;
	return fill(m, address(c), count, r->data);
}

static sense_t
do_verify(const struct model *m, const struct model_request *r)
{
	const uint8_t *c = r->cdb;
	uint64_t count = length(r), from = address(c);
	sense_t sense;

	if ((c[1] & 6) == 2) {
		sense = data_extent(m, r, &count);
		return sense || count == 0 ? sense : compare(m, r, count);
	}
	if (c[1] & 6)
		return 0x052400;
	if (is_outside(m, from, count))
		return 0x052100;
	if (is_length_lost(r))
		return 0x052400;
	if (count * block_size(m) > MOST_SPAN)
		return 0x052400;
	return count > 0 && m->reads_fail ? 0x031100 : 0;
}

static bool
floppy_shape(uint64_t blocks, unsigned *heads, unsigned *sectors)
{
	unsigned kb = (unsigned)(blocks / 2);

	if (blocks > 5760 || blocks % 2)
		return false;
	switch (kb) {
	case 160:
	case 180:
	case 320:
	case 360:
		*heads = kb >= 320 ? 2 : 1;
		*sectors = kb % 160 == 0 ? 8 : 9;
		return true;
	case 720:
	case 1200:
	case 1440:
	case 1680:
	case 2880:
		*heads = 2;
		*sectors = kb / 80; /* kilobytes a cylinder, two sides, two sectors each */
		return true;
	default:
		return false;
	}
}

static sense_t
do_format(struct model *m, const struct model_request *r)
{
	static const uint8_t zeros[512];
	const uint8_t *c = r->cdb, *p = r->data;
	unsigned heads, sectors;
	uint64_t from = 0, count = m->blocks;
	sense_t sense;

	if ((c[1] & 0x18) != 0x10 || ((c[1] & 7) != 0 && (c[1] & 7) != 7))
		return 0x052400;
	if (!p || r->data_len != 12)
		return 0x051A00;
	if (!floppy_shape(m->blocks, &heads, &sectors))
		return 0x053006;
	if ((p[1] & 0x40) || get_be16(p + 2) != 8 || get_be32(p + 4) != m->blocks ||
		get_be24(p + 9) != 512)
		return 0x052600;
	if (p[1] & 0x10) {
		if ((p[1] & 1) >= heads)
			return 0x052600;
		from = (uint64_t)c[2] * heads * sectors + (p[1] & 1) * sectors;
		count = sectors;
		if (from >= m->blocks)
			return 0x052400;
	}
	sense = fill(m, from, count, zeros);
	if (!sense && !flush(m))
		return 0x030C00;
	return sense;
}

static sense_t
do_synchronize(struct model *m, const struct model_request *r)
{
	if (is_outside(m, address(r->cdb), length(r)))
		return 0x052100;
	return is_writable(m) && !flush(m) ? 0x030C00 : 0;
}

/* ---- who it is, how large it is ---- */

static const char *
product(const struct model *m)
{
	return m->kind == MODEL_CD   ? "Virtual CDROM   "
	       : m->kind == MODEL_FD ? "Virtual Floppy  "
				     : "Virtual HDisk   ";
}

static sense_t
do_inquiry(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;
	uint8_t *p = o->bytes;
	unsigned n;

	if (c[1] & 2)
		return 0x052400;
	p[0] = m->kind == MODEL_CD ? 5 : 0;
	if (!(c[1] & 1)) {
		if (c[2])
			return 0x052400;
		p[1] = 0x80;
		p[3] = 1;
		p[4] = 31;
		memcpy(p + 8, "AMI     ", 8);
		memcpy(p + 16, product(m), 16);
		memcpy(p + 32, "1.00", 4);
		return give(o, r, 36, get_be16(c + 3));
	}
	p[1] = c[2];
	if (c[2] == 0x00) {
		n = m->kind == MODEL_CD ? 3 : 4;
		memcpy(p + 4, "\x00\x80\x83\xB0", n);
	} else if (c[2] == 0x80) {
		n = 8;
		memcpy(p + 4, "        ", 8);
	} else if (c[2] == 0x83) {
		n = 28;
		memcpy(p + 4,
			"\2\1\0\x18"
			"AMI     ",
			12);
		memcpy(p + 16, product(m), 16);
	} else if (c[2] == 0xB0 && m->kind != MODEL_CD) {
		n = 60;
		p[4] = 1;
		p[10] = 1;    /* 256 blocks at once */
		p[42] = 0xFF; /* 65535 of the same */
		p[43] = 0xFF;
	} else {
		return 0x052400;
	}
	p[3] = (uint8_t)n;
	return give(o, r, n + 4, get_be16(c + 3));
}

static sense_t
do_report_luns(const struct model_request *r, struct model_outcome *o)
{
	uint32_t allocation = get_be32(r->cdb + 6);

	if (r->cdb[2] > 2 || allocation < 16)
		return 0x052400;
	if (r->cdb[2] == 1)
		return give(o, r, 8, allocation);
	o->bytes[3] = 8;
	return give(o, r, 16, allocation);
}

static sense_t
do_capacity(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;

	if (c[0] == 0x25) {
		if (get_be32(c + 2) && !(c[8] & 1))
			return 0x052400;
		put_be32(o->bytes, at_most_32_bits(m->blocks - 1));
		put_be32(o->bytes + 4, block_size(m));
		return give(o, r, 8, 8);
	}
	if ((c[1] & 0x1F) != 0x10)
		return 0x052400;
	put_be64(o->bytes, m->blocks - 1);
	put_be32(o->bytes + 8, 512);
	return give(o, r, 32, r->is_cut ? UINT32_MAX : get_be32(c + 10));
}

static sense_t
do_format_capacities(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	unsigned heads, sectors, n = 12;
	uint8_t *p = o->bytes;

	if (m->is_present && m->blocks > 0) {
		put_be32(p + 4, at_most_32_bits(m->blocks));
		p[8] = 2;
		if (m->kind == MODEL_FD && is_writable(m) &&
			floppy_shape(m->blocks, &heads, &sectors)) {
			put_be32(p + 12, (uint32_t)m->blocks);
			p[18] = 2;
			n = 20;
		}
	} else {
		put_be32(p + 4, 2880);
		p[8] = 3;
	}
	p[10] = 2;
	p[3] = (uint8_t)(n - 4);
	return give(o, r, n, get_be16(r->cdb + 7));
}

/* ---- sense ---- */

static sense_t
tell_attention(struct model *m)
{
	m->has_attention = m->is_another = false;
	m->is_seen = true;
	return 0x062800;
}

static sense_t
do_request_sense(struct model *m, const struct model_request *r, struct model_outcome *o)
{
	uint32_t sense = m->sense;
	bool is_old = sense && m->is_sense_old;
	uint8_t *p = o->bytes;

	if (r->cdb[4] == 0 || r->want == 0)
		return 0;
	if (!sense && m->waiting) {
		sense = m->waiting;
		m->waiting = 0;
		is_old = true;
	} else if (!sense && m->has_attention) {
		sense = tell_attention(m);
	}
	m->sense = 0;
	if (r->cdb[1] & 1) {
		p[0] = is_old ? 0x73 : 0x72;
		put_be24(p + 1, sense);
		return give(o, r, 8, r->cdb[4]);
	}
	p[0] = is_old ? 0x71 : 0x70;
	p[2] = (uint8_t)(sense >> 16);
	p[7] = 10;
	p[12] = (uint8_t)(sense >> 8);
	p[13] = (uint8_t)sense;
	return give(o, r, 18, r->cdb[4]);
}

/* ---- mode pages ---- */

static void
shape(const struct model *m, unsigned *heads, unsigned *sectors)
{
	const uint8_t *b = m->boot;
	unsigned h = get_le16(b + 26), s = get_le16(b + 24);

	*heads = *sectors = 0;
	if (!m->is_present)
		return;
	if ((b[0] == 0xEB || b[0] == 0xE9) && b[11] == 0 && b[12] == 2 && h > 0 && h < 256 &&
		s > 0 && s < 256) {
		*heads = h;
		*sectors = s;
	} else if (!floppy_shape(m->blocks, heads, sectors)) {
		*heads = 255;
		*sectors = 63;
	}
}

static void
page_05(const struct model *m, uint8_t *p)
{
	unsigned heads, sectors;
	uint64_t cylinders;

	shape(m, &heads, &sectors);
	cylinders = heads ? m->blocks / (heads * sectors) : 0;
	if (cylinders > 0xFFFF)
		cylinders = 0xFFFF;
	p[2] = 0xF0;
	p[4] = (uint8_t)heads;
	p[5] = (uint8_t)sectors;
	p[6] = 2;
	put_be16(p + 8, (uint16_t)cylinders);
	if (m->blocks != 2880)
		return;
	put_be16(p + 2, 500);
	p[19] = 5;
	p[20] = 30;
	put_be16(p + 28, 300);
}

unsigned
model_pages(const struct model *m, uint8_t code, bool is_changeable, uint8_t *out)
{
	static const struct {
		const char *kinds;
		uint8_t code, len;
	} pages[] = { { "cfh", 0x01, 10 }, { "fh", 0x05, 30 }, { "cfh", 0x08, 18 },
		{ "h", 0x0A, 10 }, { "ch", 0x1A, 10 }, { "f", 0x1C, 6 }, { "c", 0x1D, 8 },
		{ "c", 0x2A, 18 } };
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		uint8_t *p = out + n;

		if (!strchr(pages[i].kinds, m->kind) || (code != 0x3F && code != pages[i].code))
			continue;
		memset(p, 0, pages[i].len + 2u);
		p[0] = pages[i].code;
		p[1] = pages[i].len;
		if (!is_changeable && p[0] == 0x05)
			page_05(m, p);
		if (!is_changeable && p[0] == 0x2A) {
			p[2] = 0x08;
			p[6] = m->is_locked ? 0x2B : 0x29;
		}
		n += pages[i].len + 2u;
	}
	return n;
}

static uint8_t
medium_type(const struct model *m)
{
	return m->kind != MODEL_CD && m->blocks == 2880 ? 0x94 : 0;
}

static sense_t
do_mode_sense(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;
	bool is_six = c[0] == 0x1A;
	unsigned head = is_six ? 4 : 8, n = 0;
	uint8_t code = c[2] & 0x3F;

	if (c[2] >> 6 == 3)
		return 0x053900;
	if (c[3] == 0 || c[3] == 0xFF)
		n = model_pages(m, code, c[2] >> 6 == 1, o->bytes + head);
	if (n == 0 && (code || c[3]))
		return 0x052400;
	n += head;
	if (is_six) {
		o->bytes[0] = (uint8_t)(n - 1);
		o->bytes[1] = medium_type(m);
		o->bytes[2] = is_writable(m) ? 0 : 0x80;
		return give(o, r, n, c[4]);
	}
	put_be16(o->bytes, (uint16_t)(n - 2));
	o->bytes[2] = medium_type(m);
	o->bytes[3] = is_writable(m) ? 0 : 0x80;
	return give(o, r, n, get_be16(c + 7));
}

static sense_t
check_list(const struct model *m, const uint8_t *p, unsigned n, bool is_six)
{
	uint8_t page[256];
	unsigned head = is_six ? 4 : 8, descriptors, at;

	if (n < head)
		return 0x051A00;
	descriptors = is_six ? p[3] : get_be16(p + 6);
	if (p[is_six ? 1 : 2] != 0 && p[is_six ? 1 : 2] != medium_type(m))
		return 0x052600;
	if (!is_six && (p[4] & 1))
		return 0x052600;
	if (descriptors != 0 && descriptors != 8)
		return 0x052600;
	if (n < head + descriptors)
		return 0x051A00;
	if (descriptors) {
		uint32_t blocks = get_be32(p + head), len = get_be24(p + head + 5);

		if ((blocks && blocks != at_most_32_bits(m->blocks)) ||
			(len && len != block_size(m)))
			return 0x052600;
	}
	for (at = head + descriptors; at < n; at += p[at + 1] + 2u) {
		unsigned len;

		if (n - at < 2)
			return 0x051A00;
		if ((p[at] & 0x40) || (p[at] & 0x3F) == 0x3F)
			return 0x052600;
		len = model_pages(m, p[at] & 0x3F, false, page);
		if (len == 0 || len != p[at + 1] + 2u)
			return 0x052600;
		if (n - at < len)
			return 0x051A00;
		if (memcmp(p + at + 1, page + 1, len - 1) != 0)
			return 0x052600;
	}
	return 0;
}

static sense_t
do_mode_select(const struct model *m, const struct model_request *r)
{
	const uint8_t *c = r->cdb;
	bool is_six = c[0] == 0x15;
	unsigned n = is_six ? c[4] : get_be16(c + 7);

	if (c[1] & 1)
		return 0x052400;
	if (n == 0)
		return 0;
	if (!(c[1] & 0x10))
		return 0x052400;
	if (!r->data || r->data_len < n)
		return 0x051A00;
	return check_list(m, r->data, n, is_six);
}

/* ---- the medium ---- */

static sense_t
do_start_stop(struct model *m, const struct model_request *r, struct model_outcome *o)
{
	uint8_t what = r->cdb[4];

	if (what >> 4)
		return strchr("\x01\x02\x03\x05\x07\x0A\x0B", what >> 4) ? 0 : 0x052400;
	if ((what & 3) != 2 || !m->is_present)
		return 0;
	if (m->is_locked)
		return 0x055302;
	if (!flush(m))
		return 0x030C00;
	o->is_eject = true;
	eject(m);
	return 0;
}

/* ---- CD ---- */

static void
put_time(uint8_t *p, uint64_t lba)
{
	uint64_t frames = lba + 150;

	if (frames > 255 * 4500 + 4499)
		frames = 255 * 4500 + 4499;
	p[1] = (uint8_t)(frames / 4500);
	p[2] = (uint8_t)(frames / 75 % 60);
	p[3] = (uint8_t)(frames % 75);
}

static sense_t
do_toc(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;
	unsigned format = c[2] & 15 ? c[2] & 15 : c[9] >> 6, n = 4;
	uint8_t *p = o->bytes;

	p[2] = p[3] = 1;
	if (format == 0) {
		if (c[6] > 1 && c[6] != 0xAA)
			return 0x052400;
		if (c[6] <= 1) {
			p[n + 1] = 0x14;
			p[n + 2] = 1;
			if (c[1] & 2)
				put_time(p + n + 4, 0);
			n += 8;
		}
		p[n + 1] = 0x14;
		p[n + 2] = 0xAA;
		if (c[1] & 2)
			put_time(p + n + 4, m->blocks);
		else
			put_be32(p + n + 4, at_most_32_bits(m->blocks));
		n += 8;
	} else if (format == 1) {
		p[n + 1] = 0x14;
		p[n + 2] = 1;
		if (c[1] & 2)
			put_time(p + n + 4, 0);
		n += 8;
	} else if (format == 2 && c[6] <= 1 && !is_dvd(m)) {
		static const uint8_t points[] = { 0xA0, 0xA1, 0xA2, 1 };

		for (unsigned i = 0; i < 4; i++, n += 11) {
			p[n] = 1;
			p[n + 1] = 0x14;
			p[n + 3] = points[i];
			if (i < 2) {
				p[n + 8] = 1;
				continue;
			}
			put_time(p + n + 7, i == 2 ? m->blocks : 0);
		}
	} else {
		return 0x052400;
	}
	put_be16(p, (uint16_t)(n - 2));
	return give(o, r, n, get_be16(c + 7));
}

static sense_t
do_header(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	uint32_t lba = get_be32(r->cdb + 2);

	if (lba >= m->blocks)
		return 0x052100;
	o->bytes[0] = 1;
	if (r->cdb[1] & 2)
		put_time(o->bytes + 4, lba);
	else
		put_be32(o->bytes + 4, lba);
	return give(o, r, 8, get_be16(r->cdb + 7));
}

static sense_t
do_configuration(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	static const struct {
		uint16_t code;
		const char *current; /* c, d: with a CD, a DVD; -: always */
		uint8_t len;
		uint8_t bytes[12];
	} features[] = {
		{ 0x0000, "-", 12, { 0, 0, 0x03, 8, 0, 0x10, 0, 0, 0, 8, 0, 0 } },
		{ 0x0001, "-", 8, { 0, 1, 0x03, 4, 0, 0, 0, 8 } },
		{ 0x0002, "-", 8, { 0, 2, 0x03, 4 } },
		{ 0x0003, "-", 8, { 0, 3, 0x03, 4, 0x29 } },
		{ 0x0010, "cd", 12, { 0, 0x10, 0x00, 8, 0, 0, 8, 0, 0, 1, 1, 0 } },
		{ 0x001E, "c", 8, { 0, 0x1E, 0x08, 4 } },
		{ 0x001F, "d", 8, { 0, 0x1F, 0x04, 4 } },
		{ 0x0100, "-", 4, { 1, 0, 0x03, 0 } },
		{ 0x0105, "-", 4, { 1, 5, 0x03, 0 } },
	};
	const uint8_t *c = r->cdb;
	unsigned which = c[1] & 3, start = get_be16(c + 2), n = 8;
	char now = !m->is_present || m->blocks == 0 ? 'x' : is_dvd(m) ? 'd' : 'c';
	uint8_t *p = o->bytes;

	if (which == 3)
		return 0x052400;
	for (unsigned i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		bool is_always = features[i].current[0] == '-';
		bool is_current = is_always || strchr(features[i].current, now);

		if (which == 2 ? features[i].code != start : features[i].code < start)
			continue;
		if (which == 1 && !is_current)
			continue;
		memcpy(p + n, features[i].bytes, features[i].len);
		if (is_current)
			p[n + 2] |= 1;
		if (features[i].code == 0x0000) {
			p[n + 6] = now == 'd';
			p[n + 10] = now == 'c';
		}
		if (features[i].code == 0x0010 && now == 'd')
			p[n + 9] = 16;
		n += features[i].len;
	}
	put_be32(p, n - 4);
	p[7] = now == 'd' ? 0x10 : now == 'c' ? 0x08 : 0;
	return give(o, r, n, get_be16(c + 7));
}

static sense_t
do_event_status(struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;
	uint8_t asked = c[4] & 0x16, *p = o->bytes;
	bool is_media;

	if (!(c[1] & 1))
		return 0x052400;
	p[3] = 0x16;
	if (!asked) {
		p[1] = 2;
		p[2] = 0x80;
		return give(o, r, 4, get_be16(c + 7));
	}
	is_media = asked == 0x10 || (m->has_event && (asked & 0x10));
	p[1] = 6;
	if (is_media) {
		p[2] = 4;
		if (m->has_event)
			p[4] = m->is_present ? 2 : 3;
		p[5] = m->is_present ? 2 : 0;
	} else if (asked & 2) {
		p[2] = 1;
	} else {
		p[2] = 2;
		p[5] = 1;
	}
	give(o, r, 8, get_be16(c + 7));
	if (is_media && o->len > 4)
		m->has_event = false;
	return 0;
}

static sense_t
do_disc_information(const struct model_request *r, struct model_outcome *o)
{
	if (r->cdb[1] & 7)
		return 0x052400;
	memcpy(o->bytes, "\x00\x20\x0E\x01\x01\x01\x01\x20", 8);
	return give(o, r, 34, get_be16(r->cdb + 7));
}

static sense_t
do_track_information(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	uint32_t address_or_number = get_be32(r->cdb + 2);
	unsigned by = r->cdb[1] & 3;

	if (by == 3 || (by != 0 && address_or_number != 1))
		return 0x052400;
	if (by == 0 && address_or_number >= m->blocks)
		return 0x052100;
	memcpy(o->bytes, "\x00\x22\x01\x01\x00\x04\x01", 7);
	put_be32(o->bytes + 24, at_most_32_bits(m->blocks));
	return give(o, r, 36, get_be16(r->cdb + 7));
}

static sense_t
do_dvd_structure(const struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;
	unsigned allocation = get_be16(c + 8);
	uint8_t *p = o->bytes;

	if (c[1] & 15)
		return 0x052400;
	if (c[7] == 0xFF && is_dvd(m)) {
		memcpy(p,
			"\x00\x12\x00\x00\x00\x40\x08\x04\x01\x40\x00\x08\x04\x40\x08\x04\xFF\x40\x00\x14",
			20);
		return give(o, r, 20, allocation);
	}
	if (c[7] == 0xFF) {
		memcpy(p, "\x00\x06\x00\x00\xFF\x40\x00\x08", 8);
		return give(o, r, 8, allocation);
	}
	if (c[7] < 0xC0 && !is_dvd(m))
		return 0x053002;
	if (c[7] == 1) {
		p[1] = 6;
		return give(o, r, 8, allocation);
	}
	if (c[7] != 0 && c[7] != 4)
		return 0x052400;
	put_be16(p, 2050);
	if (c[7] == 0) {
		if (c[6] != 0 || m->blocks > 0xFFFFFF - 0x30000)
			return 0x052400;
		memcpy(p + 4, "\x01\x0F\x01\x00\x00\x03\x00\x00", 8);
		put_be32(p + 12, 0x30000 + (uint32_t)m->blocks - 1);
	}
	return give(o, r, 2052, allocation);
}

/* ---- all of them ---- */

/* Which drives have the command; upper case: and it needs a medium; '!': one that can be written,
 * and that the host knows to be there;
 * '?': it tells of the unit attention; '-': it tells of no failed write-back. */
static const char *
kinds_of(uint8_t op)
{
	switch (op) {
	case 0x00:
		return "CFH?";
	case 0x03:
	case 0x12:
	case 0xA0:
		return "cfh-";
	case 0x08:
	case 0x25:
	case 0x28:
	case 0x2B:
	case 0x2F:
	case 0x35:
	case 0xA8:
		return "CFH";
	case 0x15:
	case 0x16:
	case 0x17:
	case 0x1A:
	case 0x1B:
	case 0x1D:
	case 0x1E:
	case 0x55:
	case 0x5A:
		return "cfh";
	case 0x04:
		return "F!";
	case 0x01:
	case 0x0B:
	case 0x34:
	case 0x88:
	case 0x8F:
	case 0x90:
	case 0x91:
	case 0x9E:
	case 0xAF:
		return "FH";
	case 0x23:
		return "fh";
	case 0x0A:
	case 0x2A:
	case 0x2E:
	case 0x41:
	case 0x8A:
	case 0x8E:
	case 0x93:
	case 0xAA:
	case 0xAE:
		return "FH!";
	case 0x43:
	case 0x44:
	case 0x51:
	case 0x52:
	case 0xAD:
	case 0xB9:
	case 0xBE:
		return "C";
	case 0x46:
	case 0x4A:
	case 0xBB:
	case 0xBD:
		return "c";
	default:
		return "";
	}
}

static sense_t
admit(struct model *m, uint8_t op)
{
	const char *kinds = kinds_of(op);
	bool needs_medium = strchr(kinds, m->kind - 'a' + 'A') != NULL;

	if (!needs_medium && !strchr(kinds, m->kind))
		return 0x052000;
	if ((strchr(kinds, '?') && m->has_attention) || (strchr(kinds, '!') && m->is_another))
		return tell_attention(m);
	if (!strchr(kinds, '-') && m->waiting) {
		sense_t sense = m->waiting;

		m->waiting = 0;
		m->is_sense_old = true;
		return sense;
	}
	if (needs_medium && !m->is_present)
		return 0x023A00;
	if (needs_medium && m->blocks == 0)
		return 0x033002;
	if (needs_medium)
		m->is_seen = true;
	return strchr(kinds, '!') && m->is_protected ? 0x072700 : 0;
}

static sense_t
carry_out(struct model *m, const struct model_request *r, struct model_outcome *o)
{
	const uint8_t *c = r->cdb;

	switch (c[0]) {
	case 0x03:
		return do_request_sense(m, r, o);
	case 0x04:
		return do_format(m, r);
	case 0x08:
	case 0x28:
	case 0x88:
	case 0xA8:
		return do_read(m, r, o);
	case 0x0A:
	case 0x2A:
	case 0x2E:
	case 0x8A:
	case 0x8E:
	case 0xAA:
	case 0xAE:
		return do_write(m, r);
	case 0x0B:
	case 0x2B:
		return is_outside(m, address(c), 1) ? 0x052100 : 0;
	case 0x12:
		return do_inquiry(m, r, o);
	case 0x15:
	case 0x55:
		return do_mode_select(m, r);
	case 0x16:
	case 0x17:
		return c[1] & 0x1F ? 0x052400 : 0;
	case 0x1A:
	case 0x5A:
		return do_mode_sense(m, r, o);
	case 0x1B:
		return do_start_stop(m, r, o);
	case 0x1D:
		return (c[1] & 0xE0) || c[3] || c[4] ? 0x052400 : 0;
	case 0x1E:
		m->is_locked = c[4] & 1;
		return 0;
	case 0x23:
		return do_format_capacities(m, r, o);
	case 0x25:
	case 0x9E:
		return do_capacity(m, r, o);
	case 0x2F:
	case 0x8F:
	case 0xAF:
		return do_verify(m, r);
	case 0x34:
	case 0x90:
		return is_outside(m, address(c), length(r)) ? 0x052100 : 0;
	case 0x35:
	case 0x91:
		return do_synchronize(m, r);
	case 0x41:
	case 0x93:
		return do_write_same(m, r);
	case 0x43:
		return do_toc(m, r, o);
	case 0x44:
		return do_header(m, r, o);
	case 0x46:
		return do_configuration(m, r, o);
	case 0x4A:
		return do_event_status(m, r, o);
	case 0x51:
		return do_disc_information(r, o);
	case 0x52:
		return do_track_information(m, r, o);
	case 0xA0:
		return do_report_luns(r, o);
	case 0xAD:
		return do_dvd_structure(m, r, o);
	case 0xB9:
	case 0xBE:
		return do_read_cd(m, r, o);
	case 0xBD:
		o->bytes[5] = 1;
		return give(o, r, 8, get_be16(c + 8));
	default: /* 00, 01, BB: nothing is left to do */
		return 0;
	}
}

void
model_execute(struct model *m, const struct model_request *r, struct model_outcome *o)
{
	uint8_t op = r->cdb[0];
	bool asks_only = op == 0x03 || op == 0x12 || op == 0xA0;

	memset(o, 0, offsetof(struct model_outcome, bytes) + 4096);
	if (!asks_only)
		m->is_sense_old = false;
	o->sense = admit(m, op);
	if (!o->sense) {
		o->sense = carry_out(m, r, o);
		if (o->sense) /* this command's own */
			m->is_sense_old = false;
	}
	if (o->sense) {
		o->len = 0;
		m->sense = o->sense;
	} else if (!asks_only) {
		m->sense = 0;
	}
}
