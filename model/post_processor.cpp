#include "model/internal/post_processor.h"

#include "base/error.h"
#include "base/excerpt.h"
#include "model/internal/described.h"

namespace retort::model {

PostProcessor::PostProcessor(Json described, const std::string& where)
    : described_(std::move(described)) {
  for (const Json& member : Members(described_, "processors", where)) {
    const std::string type = TypeOf(member);
    if (type == "TemplateProcessing") {
      ReadTemplate(member, where + ": TemplateProcessing");
    } else if (type != "ByteLevel") {
      FailUnsupported("post_processor", member, "ByteLevel, TemplateProcessing or a Sequence",
                      where);
    }
  }
}

// {"single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens":
// {"<s>": {"ids": [1]}}}. Around what an earlier template has put there.
void PostProcessor::ReadTemplate(const Json& described, const std::string& where) {
  const Json single = described.value("single", Json());
  RETORT_CHECK(single.is_array(), where, ": single is missing or no list");
  const Json known = described.value("special_tokens", Json::object());
  std::vector<int32_t> ids[2];
  int sequences = 0;
  for (const Json& part : single) {
    if (part.is_object() && part.contains("Sequence")) {
      ++sequences;
      continue;
    }
    const bool special = part.is_object() && part.contains("SpecialToken");
    const Json name = special ? part["SpecialToken"].value("id", Json()) : Json();
    const bool listed =
        name.is_string() && known.is_object() && known.contains(name.get_ref<const std::string&>());
    RETORT_CHECK(listed, where, ": got ", Excerpt(ToJsonLine(part)),
                 ", expected a Sequence or a SpecialToken that special_tokens lists");
    for (const Json& id : known[name.get<std::string>()].value("ids", Json::array())) {
      RETORT_CHECK(id.is_number_unsigned() && id.get<uint64_t>() <= INT32_MAX, where,
                   ": special_tokens: got ", Excerpt(ToJsonLine(id)), ", expected a token id");
      ids[sequences > 0].push_back(id.get<int32_t>());
    }
  }
  RETORT_CHECK(sequences == 1, where, ": single has ", sequences, " Sequences, expected one");
  before_.insert(before_.begin(), ids[0].begin(), ids[0].end());
  behind_.insert(behind_.end(), ids[1].begin(), ids[1].end());
}

}  // namespace retort::model
