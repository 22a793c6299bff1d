#pragma once

/// How often the calling thread has asked for memory, in any program that this is linked into.
unsigned long allocation_count(void);
