/// The same, for libraries that write JSON in most of their sources.
#include <boost/json.hpp>

#include "standard.hpp"
