#include "k8s/place.hpp"

#include <openssl/sha.h>

#include <boost/json.hpp>

#include "k8s/base64.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

/// "applyset-<base64url of sha256 of name.namespace.kind.group>-v1", as the KEP says.
std::string Place::applyset_id() const {
  const std::string parent = parent_name() + "." + space + ".Secret.";
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(parent.data()), parent.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  std::string text = to_base64(digest);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (text.ends_with('=')) text.pop_back();
  return "applyset-" + text + "-v1";
}

json::object Place::labels() const {
  return {{"app.kubernetes.io/managed-by", field_manager},
          {deployment_label, deployment},
          {"applyset.kubernetes.io/part-of", applyset_id()}};
}

std::string Place::marked_by(const json::value& live) { return std::string(label_of(live, deployment_label)); }

bool Place::is_ours(const json::value& live) const { return marked_by(live) == deployment; }

}  // namespace harmony::k8s
