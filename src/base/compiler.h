/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compiler: attributes that let the compiler check what a prototype's comment says. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define MUST_CHECK          __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, a) __attribute__((format(printf, fmt, a)))
#define UNUSED              __attribute__((unused))
#define ARRAY_SIZE(a)       (sizeof(a) / sizeof((a)[0]))

#endif
