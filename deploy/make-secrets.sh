#!/bin/sh
# Makes the secrets of docker-compose.yml that are not there yet: deploy/make-secrets.sh [FOLDER]
#
# The folder is closed to others. Run by root, each file belongs to the containers' user alone (0600). Run by somebody
# else, who cannot give files away, they can be read by whoever gets at them, which the folder prevents: compose mounts
# each with the owner and mode that it has here. Needs openssl; safe to repeat.
set -eu

here="$(dirname "$0")"
services="$(sed -n 's/.*VEFA_SERVICE: \([a-z0-9_]*\).*/\1/p' "$here/../docker-compose.yml")"
folder="${1:-$here/secrets}"
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"
umask 077

password() { openssl rand -hex 24; }
keep() { # what is there stays; a new file is there whole or not at all
    if [ -s "$1" ]; then cat >/dev/null; else write "$1"; fi
}
write() {
    cat >"$1.new"
    mv "$1.new" "$1"
}

for key in index link token; do
    openssl rand 32 | keep "$key.key"
done
# Ed25519: before the key, the head of a PKCS#8 file; after the head of an X.509 one, the public key.
{ printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'; cat token.key; } |
    openssl pkey -inform DER -pubout -outform DER | tail -c 32 | write token.pub

echo "postgresql://vefa:$(password)@postgres:5432/vefa" | keep admin.database
for service in $services; do
    echo "postgresql://vefa_$service:$(password)@postgres:5432/vefa" | keep "$service.database"
done
for user in $services ops integrator; do
    echo "nats://$user:$(password)@nats:4222" | keep "$user.nats"
done

# What the two servers are told.
sed 's|.*://vefa:\(.*\)@.*|\1|' admin.database | write postgres.password
cat ./*.nats | sed 's|nats://\(.*\):\(.*\)@.*|password_\1: "\2"|' | write nats.passwords

if [ "$(id -u)" = 0 ]; then
    chown 10001:10001 ./*
    chmod 600 ./*
    chmod 640 postgres.password # PostgreSQL's user has this group too
else
    chmod 644 ./*
fi
