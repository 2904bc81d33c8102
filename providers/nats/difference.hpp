#pragma once
/// The pure part of the client, shared with its twin: both say the same.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/change.hpp"
#include "nats/client.hpp"

namespace harmony::nats {

Subject stream_subject(const std::string& instance, const std::string& stream);
/// The name of an entry's subject: "guestbook-nats/entries".
struct Place {
  std::string instance, name;
};
Place place_of(std::string_view subject_name);

std::vector<std::string> subjects_of(const std::string& stream);
/// To be called before the server is asked. @throws Error H0243
void require_stream_name(const std::string&);
/// @throws Error H0244
Change difference(const std::string& instance, const Stream&, const std::optional<StreamState>& found);
Change removal(const Subject&, bool there);

/// What the read set keeps; empty where there is none.
std::string fingerprint(const std::optional<StreamState>&);
/// Of what cannot be asked for now.
inline constexpr const char* not_asked = "server not asked";

}  // namespace harmony::nats
