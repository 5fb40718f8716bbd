#!/bin/sh
# Starts the program that lies beside, and becomes it: signals and the exit code are its own.
# What is set for some other Deno must not change this one.
for name in $(env | sed -n 's/^\(DENO_[A-Za-z0-9_]*\)=.*/\1/p'); do unset "$name"; done
unset MUXI_RUNTIME_DIR
# The authorities that this machine trusts are trusted, too. Asking for them where there are none would end all TLS.
store=mozilla
[ -r "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" ] && store=mozilla,system
export DENO_DIR="${0%/*}/cache" DENO_NO_UPDATE_CHECK=1 DENO_TLS_CA_STORE="$store"
exec "${0%/*}/deno" run @FLAGS@ "${0%/*}/@PROGRAM@" "$@"
