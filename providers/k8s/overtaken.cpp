#include "k8s/overtaken.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "k8s/assessment.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace {

/// What a controller notes there by itself is newer in the dry run than in what was watched.
bool is_a_note(const FieldChange& field) { return field.path.starts_with("metadata."); }

bool is_only_scaled(const Change& change, const boost::json::value& live) {
  return number_at(live, "spec.replicas").value_or(1) > 0 &&
         std::ranges::all_of(
             change.fields, [](const FieldChange& field) { return field.path == "spec.replicas" || is_a_note(field); });
}

}  // namespace

std::optional<Error> overtaken(Scope& in, const Place& place, const Wanted& wanted, const boost::json::value& live) {
  Change change;
  try {
    change = assess(in, place, wanted, live, true).change;
  } catch (const ApiError&) {
    throw;                                   // nothing is known then
  } catch (const ConnectionError&) {
    throw;
  } catch (const Stopped&) {
    throw;
  } catch (const Error& error) {
    return error;
  }
  if (change.action == Action::unchanged || is_only_scaled(change, live)) return std::nullopt;
  Diagnostic said{
      .code = "H0474",
      .message = fmt::format("`{}` was changed by somebody else while it was deployed", wanted.subject.text()),
      .subject = wanted.subject.text(),
      .help = "see who changes it, and deploy again: what the Score says is put back"};
  if (!change.reason.empty()) said.facts.emplace_back("because", change.reason);
  for (const FieldChange& field : change.fields)
    if (!is_a_note(field))
      said.facts.emplace_back(field.path, fmt::format("is {}, was deployed as {}", field.before, field.after));
  return Error(std::move(said));
}

}  // namespace harmony::k8s
