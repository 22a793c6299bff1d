#ifndef CRDKAFKA_SHIM_H
#define CRDKAFKA_SHIM_H

#include <librdkafka/rdkafka.h>
// The mock cluster, for Tests/TestSupport alone; a header costs a service nothing.
#include <librdkafka/rdkafka_mock.h>

#endif
