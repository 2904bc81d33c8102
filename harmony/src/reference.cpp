#include "harmony/reference.hpp"

#include <fmt/format.h>

namespace harmony {

Error not_provided(const Reference& reference) {
  return Error({.code = "H0012",
                .category = Category::usage,
                .message = fmt::format("`{}` of {} `{}` is used, but no Score has provided it", reference.field,
                                       reference.capability, reference.instance),
                .subject = reference.instance,
                .help = "run the Score that provides it before the one that uses it"});
}

}  // namespace harmony
