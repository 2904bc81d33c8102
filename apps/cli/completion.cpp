#include "completion.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "explain.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

enum Directive : unsigned {
  directive_files = 0,
  directive_no_space = 2,
  directive_no_files = 4,
  directive_folders = 16
};

struct Candidates {
  std::vector<std::pair<std::string, std::string>> values;
  unsigned directive = directive_no_files;

  void add(std::string value, std::string description = {}) {
    values.emplace_back(std::move(value), std::move(description));
  }
  std::string text(std::string_view begin) const {
    std::string all;
    for (const auto& [value, description] : values)
      if (value.starts_with(begin))
        all += description.empty() ? value + "\n" : fmt::format("{}\t{}\n", value, printable_line(description));
    return all + fmt::format(":{}\n", directive);
  }
};

void complete_fields(const Application& application, Candidates& candidates, const std::string& last) {
  candidates.directive |= directive_no_space;
  for (const Field& field : application.fields) {
    if (field.kind == Field::Kind::boolean && last.starts_with(field.name + "=")) {
      candidates.directive = directive_no_files;
      candidates.add(field.name + "=true");
      candidates.add(field.name + "=false");
    } else {
      candidates.add(field.name + "=", field.help);
    }
  }
}

/// Where candidates come from that no table has.
struct Sources {
  const Application& application;
  const Deployed& deployed;
};

void complete_kind(const Sources& sources, Complete kind, const std::vector<std::string>& choices,
                   Candidates& candidates, const std::string& last) {
  switch (kind) {
    case Complete::nothing: break;
    case Complete::file: candidates.directive = directive_files; break;
    case Complete::directory: candidates.directive = directive_folders; break;
    case Complete::choices:
    case Complete::topologies:
      for (const std::string& choice : choices) candidates.add(choice);
      break;
    case Complete::fields: complete_fields(sources.application, candidates, last); break;
    case Complete::codes:
      for (const ErrorPage& page : error_pages()) candidates.add(std::string(page.code), std::string(page.title));
      break;
    case Complete::deployed:
      for (auto& [name, of_kind] : sources.deployed()) candidates.add(printable_line(name), std::move(of_kind));
      break;
  }
}

/// What the words before the last one have settled.
struct Before {
  const VerbInfo* verb = nullptr;
  std::size_t positional = 0;
  const OptionInfo* wants_value = nullptr;
  std::string topology = {};  ///< as `--on` says; empty where it does not
};

const OptionInfo* option_of(const OptionTable& table, const std::string& word) {
  if (word.starts_with("--")) return table.option(std::string_view(word).substr(2));
  return word.size() == 2 && word.front() == '-' ? table.option(word[1]) : nullptr;
}

Before read_before(const OptionTable& table, const std::vector<std::string>& words) {
  Before before;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const OptionInfo* option = option_of(table, words[i]);
    if (before.wants_value && before.wants_value->name == "on") before.topology = words[i];
    if (words[i].starts_with("--on=")) before.topology = words[i].substr(5);
    if (before.wants_value) before.wants_value = nullptr;
    else if (option && !option->value.empty()) before.wants_value = option;
    else if (words[i].starts_with("-") && words[i].size() > 1) continue;
    else if (!before.verb) before.verb = table.verb(words[i]);
    else ++before.positional;
  }
  return before;
}

bool on_topology(const OptionInfo& option, const std::string& topology) {
  return topology.empty() || option.topologies.empty() || std::ranges::count(option.topologies, topology) != 0;
}

constexpr std::string_view bash_script = R"(# bash completion for PROGRAM
_FUNCTION_complete() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}") current="${COMP_WORDS[COMP_CWORD]}" line directive=0 candidates=()
  if declare -F _get_comp_words_by_ref >/dev/null; then
    local cword
    _get_comp_words_by_ref -n "=:" -w words -i cword -c current
    words=("${words[@]:1:cword}")
  fi
  while IFS= read -r line; do
    if [[ $line == :* ]]; then directive=${line#:}; else candidates+=("${line%%$'\t'*}"); fi
  done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
  COMPREPLY=("${candidates[@]}")
  ((directive & 2)) && compopt -o nospace
  if ((directive & 16)); then compopt -o dirnames
  elif ! ((directive & 4)); then compopt -o default
  fi
  declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$current"
  if [[ $current == *=* && $COMP_WORDBREAKS == *=* ]]; then
    local prefix="${current%=*}=" i
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]="${COMPREPLY[i]#"$prefix"}"; done
  fi
}
complete -F _FUNCTION_complete PROGRAM
)";

constexpr std::string_view zsh_script = R"(#compdef PROGRAM
_FUNCTION() {
  local line directive=0
  local -a candidates
  while IFS= read -r line; do
    if [[ $line == :* ]]; then directive=${line#:}
    else candidates+=("${${line%%$'\t'*}//:/\\:}${${(M)line%$'\t'*}:+:${line#*$'\t'}}")
    fi
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  local -a space
  (( directive & 2 )) && space=(-S '')
  (( $#candidates )) && _describe 'PROGRAM' candidates $space
  if (( directive & 16 )); then _files -/
  elif ! (( directive & 4 )); then _files
  fi
}
if [ "$funcstack[1]" = "_FUNCTION" ]; then _FUNCTION "$@"; else compdef _FUNCTION PROGRAM; fi
)";

constexpr std::string_view fish_script = R"(# fish completion for PROGRAM
function __FUNCTION_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l program $words[1]
    set -l answer ($program __complete $words[2..-1] 2>/dev/null)
    set -l directive (string replace -r '^:' '' -- $answer[-1])
    if test (count $answer) -gt 1
        string join \n -- $answer[1..-2]
    else if test "$directive" = 0
        __fish_complete_path (commandline -ct)
    else if test "$directive" = 16
        __fish_complete_directories (commandline -ct)
    end
end
complete -c PROGRAM -f -a '(__FUNCTION_complete)'
)";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

}  // namespace

std::string completion_script(const std::string& shell, const std::string& program) {
  const std::string_view script = shell == "bash" ? bash_script : shell == "zsh" ? zsh_script : fish_script;
  std::string function = program;
  std::ranges::replace_if(function, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return replaced(replaced(std::string(script), "PROGRAM", program), "FUNCTION", function);
}

std::string complete(const Application& application, const OptionTable& table, const std::vector<std::string>& words,
                     const Deployed& deployed) {
  const Sources sources{application, deployed};
  const std::string last = words.empty() ? std::string{} : words.back();
  const Before before = read_before(table, words);
  Candidates candidates;
  const auto assigned = last.starts_with("--") ? last.find('=') : std::string::npos;
  if (before.wants_value) {
    complete_kind(sources, before.wants_value->complete, before.wants_value->choices, candidates, last);
    return candidates.text(last);
  }
  if (assigned != std::string::npos) {  // --option=value in one word: what is offered is the whole word
    const OptionInfo* option = table.option(std::string_view(last).substr(2, assigned - 2));
    const std::string begin = last.substr(0, assigned + 1);
    if (option) complete_kind(sources, option->complete, option->choices, candidates, last.substr(assigned + 1));
    for (auto& [value, description] : candidates.values) value.insert(0, begin);
    return candidates.text(last);
  }
  if (last.starts_with("-")) {
    for (const OptionInfo& option : table.options)
      if ((!before.verb || OptionTable::belongs(option, *before.verb)) && on_topology(option, before.topology))
        candidates.add("--" + option.name, option.help);
  } else if (!before.verb) {
    for (const VerbInfo& verb : table.verbs) candidates.add(verb.name, verb.help);
  } else if (before.positional == 0) {
    complete_kind(sources, before.verb->complete, before.verb->choices, candidates, last);
  }
  return candidates.text(last);
}

}  // namespace harmony::cli
