#ifndef CRDKAFKA_SHIM_H
#define CRDKAFKA_SHIM_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// Function-like macros are not imported: offsets counted from a partition's end.
static inline int64_t crdkafka_offset_tail(int64_t count) { return RD_KAFKA_OFFSET_TAIL(count); }

#endif
