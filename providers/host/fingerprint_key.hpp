#pragma once
/// Keys of fingerprints: 64 hexadecimal digits that stay with a deployment.
#include <string>
#include <string_view>

namespace harmony::host {

std::string fresh_key();
bool is_key(const std::string&);
/// Of a saved plan. @throws Error H0206
void require_key(const std::string&);
/// Short and printable: of HMAC-SHA256.
std::string fingerprint(const std::string& key, std::string_view value);

}  // namespace harmony::host
