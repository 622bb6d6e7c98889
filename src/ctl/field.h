/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field: members of the daemon's answers; what is missing or of another type is empty, not an
 * error. */
#ifndef CTL_FIELD_H
#define CTL_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* NULL if there is no such text. */
static inline const char *
field_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* 0 if there is no such number. */
static inline double
field_number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* 0 if there is no such number, or it is negative. */
static inline uint64_t
field_count(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value < 0 ? 0 : (uint64_t)value;
}

static inline bool
field_is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* NULL if there is no such array. */
static inline const json_t *
field_array(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_array(value) ? value : NULL;
}

#endif
