#include "log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <cctype>
#include <memory>

#include "text.hpp"

namespace guestbook {
namespace {

/// A word stays bare; everything else becomes a JSON string, so that a line stays one line.
std::string quoted_where_needed(std::string_view value) {
  const bool is_word = !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char character) {
    return std::isalnum(character) != 0 ||
           std::string_view("-_.:/[]").find(static_cast<char>(character)) != std::string_view::npos;
  });
  return is_word ? std::string(value) : boost::json::serialize(boost::json::string(one_line(value)));
}

void write(spdlog::level::level_enum level, std::string_view event, std::initializer_list<LogField> fields) {
  std::string line = "event=" + quoted_where_needed(event);
  for (const LogField& field : fields) {
    line.append(1, ' ').append(field.name).append(1, '=').append(quoted_where_needed(field.value));
  }
  spdlog::log(level, line);
}

}  // namespace

void start_logging() {
  auto logger = spdlog::stderr_logger_mt("guestbookd");
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
                                                                    spdlog::pattern_time_type::utc));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void log_information(std::string_view event, std::initializer_list<LogField> fields) {
  write(spdlog::level::info, event, fields);
}

void log_warning(std::string_view event, std::initializer_list<LogField> fields) {
  write(spdlog::level::warn, event, fields);
}

void log_error(std::string_view event, std::initializer_list<LogField> fields) {
  write(spdlog::level::err, event, fields);
}

}  // namespace guestbook
