#include "host/content.hpp"

#include <fmt/format.h>

namespace harmony::host {

std::string Rendered::text() const {
  if (pending()) throw InternalError("a text was asked for that is only known after " + because);
  std::string whole;
  for (const auto& piece : pieces) whole += *piece;
  return whole;
}

bool Rendered::could_be(std::string_view live) const {
  if (!pending()) return live == text();
  std::size_t first = 0, last = pieces.size();
  for (; pieces[first]; live.remove_prefix(pieces[first++]->size()))
    if (!live.starts_with(*pieces[first])) return false;
  for (; pieces[last - 1]; live.remove_suffix(pieces[--last]->size()))
    if (!live.ends_with(*pieces[last - 1])) return false;
  for (std::size_t i = first; i < last; ++i) {  // between two that are pending, the earliest place is as good as any
    if (!pieces[i]) continue;
    const auto at = live.find(*pieces[i]);
    if (at == std::string_view::npos) return false;
    live.remove_prefix(at + pieces[i]->size());
  }
  return true;
}

std::string known_after(const std::string& because) { return fmt::format("(known after {})", because); }

Rendered rendered(const Scope& at, const Content& content, PrimitiveKey key) {
  Rendered made;
  for (const auto& piece : content) {
    if (const auto* text = std::get_if<std::string>(&piece)) {
      made.pieces.emplace_back(*text);
      made.shown += *text;
      continue;
    }
    made.secrets = true;
    const auto& deferred = std::get<Deferred<Secret<std::string>>>(piece);
    if (const auto* secret = deferred.peek(key)) {
      at.conceal(*secret);
      made.pieces.emplace_back(secret->reveal());
      made.shown += fmt::format("(secret {})", at.fingerprinter().of(secret->reveal()));
    } else {
      const std::string why = deferred.because().empty() ? "the deploy" : deferred.because();
      made.pieces.emplace_back(std::nullopt);
      made.shown += known_after(why);
      if (made.because.empty()) made.because = why;
    }
  }
  return made;
}

}  // namespace harmony::host
