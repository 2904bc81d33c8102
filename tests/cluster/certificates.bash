# shellcheck shell=bash disable=SC2154
# The cluster's certificates and kubeconfigs. Sourced by tests/cluster/inside, which names: folder, node_address.

authority() {
  mkdir -p "$folder/pki"
  openssl ecparam -name prime256v1 -genkey -noout -out "$folder/pki/ca.key"
  openssl req -x509 -new -key "$folder/pki/ca.key" -subj /CN=harmony-cluster -days 3650 -out "$folder/pki/ca.crt"
  openssl ecparam -name prime256v1 -genkey -noout -out "$folder/pki/service-accounts.key"
}

# For both ends of a connection: a server's has addresses, a client's says who it is.
certificate() {  # NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]
  openssl ecparam -name prime256v1 -genkey -noout -out "$folder/pki/$1.key"
  openssl req -new -key "$folder/pki/$1.key" -subj "$2" |
    openssl x509 -req -CA "$folder/pki/ca.crt" -CAkey "$folder/pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" -days 3650 \
      -extfile <(printf 'keyUsage=digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\n%s\n' "${3:+subjectAltName=$3}") \
      -out "$folder/pki/$1.crt" 2>&1 | grep -v '^Certificate request self-signature ok\|^subject=' || true
  [[ -s $folder/pki/$1.crt ]]
}

kubeconfig() {  # NAME SERVER FILE
  cat > "$3.part" <<CONFIG
apiVersion: v1
kind: Config
current-context: harmony-cluster
contexts: [{name: harmony-cluster, context: {cluster: harmony-cluster, user: $1}}]
clusters:
- name: harmony-cluster
  cluster: {server: "$2", certificate-authority-data: $(base64 -w 0 "$folder/pki/ca.crt")}
users:
- name: $1
  user: {client-certificate-data: $(base64 -w 0 "$folder/pki/$1.crt"), client-key-data: $(base64 -w 0 "$folder/pki/$1.key")}
CONFIG
  chmod 600 "$3.part"
  mv "$3.part" "$3"
}
