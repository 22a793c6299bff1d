#ifndef CPOSTGRES_SHIM_H
#define CPOSTGRES_SHIM_H

#include <libpq-fe.h>

// Object-like macros with a character constant are imported as CInt, but PG_DIAG_SQLSTATE is used
// as the `fieldcode` of PQresultErrorField; named here so that Swift reads like the manual.
static const int cpostgres_diag_sqlstate = PG_DIAG_SQLSTATE;
static const int cpostgres_diag_message_primary = PG_DIAG_MESSAGE_PRIMARY;
static const int cpostgres_diag_message_detail = PG_DIAG_MESSAGE_DETAIL;

#endif
