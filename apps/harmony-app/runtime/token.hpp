#pragma once

#include <string>
#include <string_view>

namespace guestbook {

/// 256 random bits in hexadecimal: whoever has it may delete the entry it was made for.
std::string make_delete_token();

/// The SHA-256 of a token, in PostgreSQL's bytea form. Only this is stored.
std::string hash_delete_token(std::string_view token);

}  // namespace guestbook
