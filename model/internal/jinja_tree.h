#pragma once
// A template as a tree, its names resolved to places.
//
// Which variable a name means is decided before anything runs, as Jinja does: each scope (the
// template, a loop's body, a macro, …) has places of its own, filled when the scope is entered with
// what the name means outside, and a name that is set anywhere in a scope is that scope's from its
// start on.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/internal/jinja_value.h"

namespace retort::model::jinja {

enum class Kind {
  // Expressions. `text` holds the name or operator.
  kConstant,      ///< `value`; in an Output also template data
  kName,          ///< read
  kTarget,        ///< a name that is written
  kParameter,     ///< a name that the scope is given
  kMemberTarget,  ///< set a.b = …: `text` is a, `value` b
  kTuple,
  kList,
  kDict,     ///< key, value, …
  kUnary,    ///< + - not
  kBinary,   ///< + - * / // % ** and or
  kCompare,  ///< first, comparisons…
  kOperand,  ///< an operator of a comparison and its right side
  kConcat,
  kAttribute,         ///< object
  kItem,              ///< object, key
  kSlice,             ///< object, start, stop, step
  kCondition,         ///< test, then, else
  kCall,              ///< callee, arguments…
  kKeyword,           ///< a named argument
  kListArguments,     ///< *list
  kMappingArguments,  ///< **mapping
  kFilter,            ///< input (null in filter blocks), arguments…
  kTest,              ///< input, arguments…
  // Statements.
  kBody,         ///< statements, or what else is a list
  kOutput,       ///< expressions
  kFor,          ///< target, iterable, body, else, test; with a test also its target
  kIf,           ///< test, body, elifs (each an If), else
  kSet,          ///< target, value
  kSetBlock,     ///< target, filter, body
  kMacro,        ///< null, parameters, defaults, body
  kCallBlock,    ///< call, parameters, defaults, body
  kGeneration,   ///< null, parameters, defaults, body
  kFilterBlock,  ///< body, filter
  kWith,         ///< targets, values, body
  kBreak,
  kContinue,
};

/// A variable of the function (template, macro or call block) `out` functions further out.
struct Place {
  int out = 0;
  size_t slot = 0;
};

/// A scope's variables and what they are when it is entered.
struct Scope {
  struct Load {
    enum Kind { kGiven, kVariable, kAlias, kNothing };
    Kind kind;
    size_t slot;
    std::string variable = {};  ///< kVariable: of the rendering
    Place alias = {};
  };
  std::vector<Load> loads = {};
  std::optional<size_t> loop = {};  ///< where the loop itself goes, if it is asked for
};

struct Function {
  size_t slots = 0;
  std::optional<size_t> caller = {}, named = {}, rest = {};  ///< caller, kwargs, varargs
};

struct Node {
  Kind kind;
  int line;
  std::string text = {};
  Value value = {};
  std::vector<std::unique_ptr<Node>> kids = {};
  int depth = 1;
  Place place = {};                            ///< of names
  Scope scope = {}, scope2 = {}, scope3 = {};  ///< a loop: body, else, test
  std::unique_ptr<Function> function = {};     ///< of macros, call blocks and the template
};
using NodePtr = std::unique_ptr<Node>;

/// The template as a body whose names are not resolved.
NodePtr Parse(std::string_view source, const std::string& where);
/// Resolves them; throws Error on what is wrong whatever the variables.
void Resolve(Node& root, const std::string& where);

}  // namespace retort::model::jinja
