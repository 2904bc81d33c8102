#include "k8s/explained.hpp"

#include <boost/json/value.hpp>

#include "k8s/refusal.hpp"

namespace harmony::k8s {

std::optional<Explanation> explained(const ApiError& error, const Subject& subject) {
  return explain_refusal(subject.text(), to_json(error.status()));
}

void throw_explained(const ApiError& error, const Subject& subject) {
  if (auto known = explained(error, subject)) throw Error(std::move(known->diagnostic));
  throw error;
}

}  // namespace harmony::k8s
