#include "lacos/formats/folder_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "lacos/base/error.h"

namespace lacos {
namespace {

using enum FolderFile;
using enum KeyEffect;

struct FileRow {
  FolderFile file;
  std::string_view name;
  std::string_view expected;  // what messages about a refused value ask for
};

constexpr std::string_view kOtherTokenizer =
    "a folder whose ids follow from tokenizer.json and its added tokens; save the tokenizer as "
    "PreTrainedTokenizerFast, or remove the key";
constexpr std::string_view kOtherPipeline =
    "a Transformer that gives the hidden states of texts; lacos computes nothing else";
constexpr std::string_view kOtherArguments =
    "arguments that change no vectors; write the value into the file that it overrides, or remove "
    "it";

constexpr auto kFiles = std::to_array<FileRow>({
    {kTokenizerJson, "tokenizer.json", kOtherTokenizer},
    {kTokenizerConfig, "tokenizer_config.json", kOtherTokenizer},
    {kSpecialTokensMap, "special_tokens_map.json", kOtherTokenizer},
    {kAddedTokens, "added_tokens.json", kOtherTokenizer},
    {kSentenceBert, "sentence_bert_config.json", kOtherPipeline},
    {kTokenizerArgs, "tokenizer_args", kOtherTokenizer},
    {kModelArgs, "model_args", kOtherArguments},
    {kConfigArgs, "config_args", kOtherArguments},
    {kSentenceTransformers, "config_sentence_transformers.json",
     "a SentenceTransformer; save the model as one"},
    {kModules, "modules.json", kOtherPipeline},
    {kPooling, "1_Pooling/config.json", "one pooling of all tokens; correct the file"},
    {kNormalize, "2_Normalize/config.json",
     "a module that scales the pooled vector to length 1; correct the file"},
    {kConfig, "config.json",
     "the config.json of a BLOOM model as it was published; correct the file"},
    {kAdapter, "adapter_config.json",
     "a plain LoRA adapter; merge this one into its base with PEFT instead"},
});

static_assert([] {
  for (size_t i = 0; i < kFiles.size(); ++i) {
    if (kFiles[i].file != static_cast<FolderFile>(i)) return false;
  }
  return true;
}());

constexpr std::string_view kStrict = "[]";
constexpr std::string_view kSides = R"(["left", "right"])";
constexpr std::string_view kClasses = R"([null, "BloomTokenizer", "BloomTokenizerFast",
 "PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend", "PythonBackend",
 "LlamaTokenizer", "LlamaTokenizerFast"])";

constexpr auto kRules = std::to_array<KeyRule>({
    // ---- tokenizer.json; the reader refuses whatever else would change ids.
    {kTokenizerJson, "truncation", kFollowed,
     "Its direction decides which end of a long text is lost where tokenizer_config.json has no "
     "truncation_side. Its max_length has no effect, because transformers sets the limit anew."},
    {kTokenizerJson, "padding", kNone, "Padding is masked out. lacos does not pad."},
    {kTokenizerJson, "added_tokens", kFollowed,
     "An id other than the one that the tokenizers package gives is refused."},
    {kTokenizerJson, "version normalizer pre_tokenizer post_processor decoder model", kFollowed,
     "Kinds that lacos does not compute are refused by name, and so are keys that are not listed "
     "here."},

    // ---- tokenizer_config.json
    {kTokenizerConfig, "truncation_side", kFollowed,
     "A text that is too long loses its beginning with left, and otherwise its end. Tokens of the "
     "post_processor are kept."},
    {kTokenizerConfig, "model_max_length max_len", kFollowed,
     "The limit in tokens if sentence_bert_config.json gives none. More than a million means no "
     "limit; lacos then uses 2048 and counts the texts that it truncates."},
    {kTokenizerConfig, "added_tokens_decoder", kFollowed,
     "Its tokens are added in the order of their ids; the flags of tokens that tokenizer.json has "
     "are replaced. An id other than the one that the tokenizers package gives is refused. With "
     "this key, special_tokens_map.json and added_tokens.json are not read."},
    {kTokenizerConfig,
     "bos_token eos_token unk_token sep_token pad_token cls_token mask_token *_token", kFollowed,
     "A token that is not among the added ones becomes one, and is found inside texts. A prompt "
     "that ends in such a token counts one token less for include_prompt false."},
    {kTokenizerConfig,
     "additional_special_tokens extra_special_tokens model_specific_special_tokens", kFollowed,
     "The same as for bos_token. additional_special_tokens counts only where "
     "extra_special_tokens is empty."},
    {kTokenizerConfig, "split_special_tokens", kFollowed,
     "With true, special tokens inside a text are split like other text."},
    {kTokenizerConfig, "add_bos_token add_eos_token", kNone,
     "transformers 5 drops them beside a tokenizer.json, whose post_processor decides."},
    {kTokenizerConfig, "add_prefix_space", kNone,
     "The pre_tokenizer of tokenizer.json decides. transformers 4 changed it."},
    {kTokenizerConfig, "padding_side", kRefused, "is no side", kSides},
    {kTokenizerConfig, "tokenizer_class", kRefused,
     "may build another tokenizer from the vocabulary than tokenizer.json describes", kClasses},
    {kTokenizerConfig, "auto_map", kRefused, "names code of the folder's own"},
    {kTokenizerConfig, "processor_class", kRefused, "names a processor around the tokenizer"},
    {kTokenizerConfig, "fast_tokenizer_files", kRefused,
     "may name another file than tokenizer.json", R"([null, [], ["tokenizer.json"]])"},
    {kTokenizerConfig, "tokenizer_object tokenizer_truncation tokenizer_padding post_processor",
     kRefused, "replaces a part of tokenizer.json"},
    {kTokenizerConfig, "model_input_names", kRefused,
     "leaves out the attention mask or adds inputs that BLOOM does not have",
     R"([null, ["input_ids", "attention_mask"], ["attention_mask", "input_ids"]])"},
    {kTokenizerConfig,
     "chat_template response_template response_schema chat_control_tokens "
     "use_default_system_prompt",
     kNone,
     "Texts are not chats. sentence-transformers wraps the texts of a folder without modules.json "
     "in its chat template; lacos does not, and warns."},
    {kTokenizerConfig,
     "clean_up_tokenization_spaces "
     "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output "
     "spaces_between_special_tokens",
     kNone, "Only decoding in transformers reads them. lacos decodes as the tokenizers package."},
    {kTokenizerConfig,
     "max_length stride truncation truncation_strategy padding pad_to_multiple_of "
     "pad_token_type_id pad_token_id return_token_type_ids",
     kNone, "transformers stores them and sets its own on every call."},
    {kTokenizerConfig,
     "name_or_path tokenizer_file vocab_file merges_file special_tokens_map_file "
     "added_tokens_file vocab merges files_loaded init_inputs is_local local_files_only backend "
     "device_map slow_tokenizer_class use_fast from_slow legacy verbose errors trust_remote_code "
     "transformers_version _commit_hash",
     kNone, "They say where the tokenizer came from. tokenizer.json decides."},
    {kTokenizerConfig,
     "do_lower_case lowercase strip_accents tokenize_chinese_chars do_basic_tokenize never_split "
     "remove_space keep_accents do_normalize trim_offsets add_dummy_prefix_space sp_model_kwargs "
     "fix_mistral_regex",
     kNone, "Arguments of tokenizers that are not read from a tokenizer.json."},

    // ---- special_tokens_map.json
    {kSpecialTokensMap, "add_bos_token add_eos_token", kRefused,
     "makes transformers replace the post_processor", kStrict},
    {kSpecialTokensMap, "*", kFollowed,
     "Every key overrides that of tokenizer_config.json, unless that file has "
     "added_tokens_decoder."},

    // ---- added_tokens.json
    {kAddedTokens, "*", kFollowed,
     "Names are tokens and values their ids. Read unless tokenizer_config.json has "
     "added_tokens_decoder. An id other than the one that the tokenizers package gives is "
     "refused."},

    // ---- sentence_bert_config.json, or sentence_roberta_config.json and so on if it is absent
    {kSentenceBert, "max_seq_length", kFollowed,
     "The limit in tokens. Without it, that of tokenizer_config.json counts, and at most "
     "max_position_embeddings of config.json."},
    {kSentenceBert, "do_lower_case", kRefused,
     "means str.lower() up to 5.3 and a normalizer since then, and the two differ"},
    {kSentenceBert, "transformer_task", kRefused, "asks for other outputs than hidden states",
     R"([null, "feature-extraction"])"},
    {kSentenceBert, "tokenizer_args processor_kwargs", kFollowed,
     "Their keys override those of tokenizer_config.json."},
    {kSentenceBert, "model_args model_kwargs config_args config_kwargs", kFollowed,
     "Checked key by key, see below."},
    {kSentenceBert, "modality_config", kRefused, "asks for other inputs than texts",
     R"([null, {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}])"},
    {kSentenceBert, "module_output_name", kRefused, "asks for other outputs than hidden states",
     R"([null, "token_embeddings"])"},
    {kSentenceBert, "processing_kwargs query_expansion query_length document_length", kRefused,
     "changes how texts become tokens"},
    {kSentenceBert, "tokenizer_name_or_path", kRefused, "names another tokenizer"},
    {kSentenceBert, "unpad_inputs backend", kNone, "They choose how the same values are computed."},

    {kTokenizerArgs, "add_bos_token add_eos_token", kRefused,
     "makes transformers replace the post_processor", kStrict},
    {kTokenizerArgs, "tokenizer_type mistral_format gguf_file config", kRefused,
     "chooses another tokenizer"},
    {kTokenizerArgs,
     "trust_remote_code use_fast token use_auth_token revision code_revision cache_dir subfolder "
     "local_files_only force_download proxies",
     kNone, "They say where files come from."},

    {kModelArgs,
     "torch_dtype dtype attn_implementation device_map low_cpu_mem_usage use_safetensors "
     "unpad_inputs use_memory_efficient_attention",
     kNone, "They choose how the same values are computed. In lacos --compute decides."},
    {kModelArgs,
     "trust_remote_code token use_auth_token revision code_revision cache_dir subfolder "
     "local_files_only force_download proxies",
     kNone, "They say where files come from."},
    {kModelArgs, "*", kRefused, "may change how the weights are loaded"},

    {kConfigArgs,
     "trust_remote_code token use_auth_token revision code_revision cache_dir subfolder "
     "local_files_only force_download proxies use_cache torch_dtype dtype attn_implementation",
     kNone, "They change no values."},
    {kConfigArgs, "*", kRefused, "overrides config.json"},

    // ---- config_sentence_transformers.json
    {kSentenceTransformers, "__version__", kFollowed,
     "Before 5.4, whitespace at both ends of a text is stripped."},
    {kSentenceTransformers, "prompts default_prompt_name", kFollowed,
     "A prompt is put before every text."},
    {kSentenceTransformers, "similarity_fn_name", kFollowed,
     "The similarity of `similarity`, `eval` and Python."},
    {kSentenceTransformers, "truncate_dim", kFollowed,
     "Vectors keep so many leading values, before they are scaled to length 1 "
     "(sentence-transformers' Normalize module scales them before). --truncate-dim of `embed` "
     "overrides it."},
    {kSentenceTransformers, "model_type", kRefused, "is another type of model",
     R"([null, "SentenceTransformer"])"},
    {kSentenceTransformers, "requirements", kNone, "Versions of Python packages."},

    // ---- modules.json
    {kModules, "type path", kFollowed,
     "Transformer, Pooling and perhaps Normalize, in this order. Other modules (Dense, LayerNorm, "
     "Dropout, WordWeights, Router, ...) and classes outside sentence_transformers are refused."},
    {kModules, "name", kFollowed, "A name that occurs twice is refused."},
    {kModules, "idx kwargs", kNone,
     "The order of the list counts, and encoding passes no such arguments."},

    // ---- 1_Pooling/config.json
    {kPooling,
     "pooling_mode pooling_mode_cls_token pooling_mode_max_tokens pooling_mode_mean_tokens "
     "pooling_mode_mean_sqrt_len_tokens pooling_mode_weightedmean_tokens pooling_mode_lasttoken",
     kFollowed,
     "Exactly one mode; mean if there is no such key. pooling_mode overrides the others. Several "
     "modes are refused."},
    {kPooling, "include_prompt", kFollowed, "With false, tokens of the prompt are not pooled."},
    {kPooling, "word_embedding_dimension embedding_dimension", kNone,
     "The width of the model decides."},

    // ---- 2_Normalize/config.json
    {kNormalize, "module_input_name", kRefused, "is not the pooled vector",
     R"([null, "sentence_embedding"])"},
    {kNormalize, "module_output_name", kRefused, "is not the pooled vector",
     R"([null, "sentence_embedding"])"},

    // ---- config.json
    {kConfig,
     "model_type hidden_size n_embed n_layer num_hidden_layers n_head num_attention_heads "
     "vocab_size layer_norm_epsilon apply_residual_connection_post_layernorm pretraining_tp "
     "slow_but_exact",
     kFollowed, "The model."},
    {kConfig, "n_inner", kFollowed, "Refused unless null or four times the hidden size."},
    {kConfig, "max_position_embeddings", kFollowed,
     "An upper bound of tokenizer_config.json's model_max_length, as in sentence-transformers."},
    {kConfig, "quantization_config quantization", kFollowed,
     "8 bit of bitsandbytes or of lacos; other schemes are refused."},
    {kConfig, "tokenizer_class", kRefused,
     "may build another tokenizer from the vocabulary than tokenizer.json describes", kClasses},
    {kConfig, "is_causal", kRefused, "makes attention see later tokens", "[true]"},
    {kConfig, "pruned_heads", kRefused, "removes attention heads"},
    {kConfig, "architectures", kNone,
     "Heads are left out. sentence-transformers gives a folder without modules.json the last "
     "token's pooling if it names a ...ForCausalLM; lacos uses the mean."},
    {kConfig, "auto_map", kNone,
     "transformers has BLOOM itself and runs the folder's code only with trust_remote_code."},
    {kConfig,
     "attention_dropout hidden_dropout attn_pdrop embd_pdrop resid_pdrop classifier_dropout "
     "initializer_range gradient_checkpointing use_cache torch_dtype dtype use_bfloat16 "
     "attn_implementation _attn_implementation attention_softmax_in_fp32 bias_dropout_fusion "
     "masked_softmax_fusion offset_alibi skip_bias_add skip_bias_add_qkv unk_token_id "
     "seq_length n_positions use_bidirectional_attention hidden_act activation_function "
     "multi_query alibi position_embedding_type rescale_residual scale_attn_weights "
     "chunk_size_feed_forward embedding_dropout tie_word_embeddings torchscript "
     "transformers_version name_or_path _name_or_path _commit_hash keys_to_ignore_at_inference",
     kNone, "BLOOM's hidden states do not depend on them at inference."},
    {kConfig,
     "bos_token_id eos_token_id pad_token_id sep_token_id cls_token_id mask_token_id "
     "decoder_start_token_id output_attentions output_hidden_states output_scores return_dict "
     "return_dict_in_generate is_decoder is_encoder_decoder "
     "cross_attention_hidden_size add_cross_attention tie_encoder_decoder finetuning_task id2label "
     "label2id num_labels problem_type task_specific_params prefix tf_legacy_loss "
     "max_length min_length max_new_tokens do_sample early_stopping num_beams num_beam_groups "
     "diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty "
     "no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids num_return_sequences "
     "forced_bos_token_id forced_eos_token_id remove_invalid_values suppress_tokens "
     "begin_suppress_tokens exponential_decay_length_penalty",
     kNone, "For heads and for generating text."},

    // ---- adapter_config.json
    {kAdapter, "peft_type", kFollowed, "Only LORA."},
    {kAdapter,
     "r lora_alpha bias lora_bias use_rslora rank_pattern alpha_pattern target_modules "
     "exclude_modules layers_to_transform layers_pattern enable_lora",
     kFollowed, "The adapter."},
    {kAdapter, "base_model_name_or_path", kFollowed, "The base, if it is a folder."},
    {kAdapter, "lora_dropout", kFollowed, "In training only."},
    {kAdapter, "init_lora_weights", kFollowed,
     "Methods that change the base's weights (pissa, olora, corda, loftq, lora_ga) are refused."},
    {kAdapter, "ensure_weight_tying", kFollowed,
     "Refused if the adapter changes lm_head, since it changes the word embedding then too."},
    {kAdapter, "modules_to_save", kFollowed,
     "Heads are left out and named; other modules are refused."},
    {kAdapter, "use_dora", kRefused, "is DoRA, which lacos does not compute"},
    {kAdapter, "layer_replication", kRefused, "repeats layers, which lacos does not compute"},
    {kAdapter, "trainable_token_indices", kRefused,
     "replaces rows of the word embedding, which lacos does not compute"},
    {kAdapter, "target_parameters", kRefused,
     "adapts single parameters, which lacos does not compute"},
    {kAdapter, "alora_invocation_tokens", kRefused,
     "is activated LoRA, which lacos does not compute"},
    {kAdapter, "use_qalora", kRefused, "is QALoRA, which lacos does not compute"},
    {kAdapter, "use_bdlora", kRefused, "is block-diagonal LoRA, which lacos does not compute"},
    {kAdapter, "arrow_config", kRefused, "routes between adapters, which lacos does not compute"},
    {kAdapter, "kasa_config", kRefused, "is KaSA, which lacos does not compute"},
    {kAdapter, "monteclora_config", kRefused, "is MonteCLoRA, which lacos does not compute"},
    {kAdapter, "velora_config", kRefused, "is VeLoRA, which lacos does not compute"},
    {kAdapter, "megatron_config", kRefused,
     "is for Megatron's parallel layers, which lacos does not compute"},
    {kAdapter, "use_*", kRefused, "is a LoRA variant that lacos does not know"},
    {kAdapter, "fan_in_fan_out", kNone, "PEFT sets it to false for Linear layers, with a warning."},
    {kAdapter, "loftq_config eva_config corda_config lora_ga_config qalora_group_size", kNone,
     "Arguments of the methods above, which decide."},
    {kAdapter,
     "task_type auto_mapping peft_version revision inference_mode megatron_core runtime_config "
     "merge_weights",
     kNone, "They do not change what the adapter computes."},
});

const FileRow& RowOf(FolderFile file) { return kFiles[static_cast<size_t>(file)]; }

// Calls f for each name of a rule until it returns true. Returns whether it did.
template <class F>
bool AnyName(std::string_view names, const F& f) {
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    if (f(names.substr(0, end))) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

bool Matches(std::string_view name, std::string_view key) {
  const size_t star = name.find('*');
  if (star == std::string_view::npos) return name == key;
  const std::string_view front = name.substr(0, star), back = name.substr(star + 1);
  return key.size() >= front.size() + back.size() && key.starts_with(front) && key.ends_with(back);
}

const KeyRule* FindOwnRule(FolderFile file, std::string_view key) {
  const KeyRule* by_pattern = nullptr;
  for (const KeyRule& rule : kRules) {
    if (rule.file != file) continue;
    if (AnyName(rule.keys, [&](std::string_view name) { return name == key; })) return &rule;
    if (by_pattern == nullptr &&
        AnyName(rule.keys, [&](std::string_view name) { return Matches(name, key); }))
      by_pattern = &rule;
  }
  return by_pattern;
}

bool Accepts(const KeyRule& rule, const Json& value) {
  const Json accepted = Json::Parse(rule.accepted, "accepted values");
  const std::string text = value.Dump(-1, /*sorted=*/true);
  for (size_t i = 0; i < accepted.size(); ++i) {
    if (accepted[i].Dump(-1, /*sorted=*/true) == text) return true;
  }
  return false;
}

}  // namespace

std::span<const KeyRule> KeyRules() { return kRules; }

std::string_view NameOf(FolderFile file) { return RowOf(file).name; }

const KeyRule* FindKeyRule(FolderFile file, std::string_view key) {
  const KeyRule* rule = FindOwnRule(file, key);
  const bool takes_tokenizer_keys = file == kTokenizerArgs || file == kSpecialTokensMap;
  if (takes_tokenizer_keys && (rule == nullptr || rule->keys == "*")) {
    if (const KeyRule* other = FindOwnRule(kTokenizerConfig, key)) return other;
  }
  return rule;
}

void CheckKeys(const Json& json, FolderFile file, std::vector<std::string>& warnings) {
  std::vector<std::string> unknown;
  json.ForEachItem([&](std::string_view key, const Json& value) {
    const KeyRule* rule = FindKeyRule(file, key);
    if (rule == nullptr) {
      unknown.push_back(Json(key).Dump());
    } else if (rule->effect == kRefused && !Accepts(*rule, value)) {
      throw UserError(fmt::format("{} found {}, which {}; expected {}", value.Where(), value.Dump(),
                                  rule->text, RowOf(file).expected));
    }
  });
  if (unknown.empty()) return;
  warnings.push_back(
      fmt::format("{} lacos does not know the key{} {} and does not use {}; expected keys of the "
                  "table in docs/interop.md; compare the vectors with those of the package that "
                  "wrote the file",
                  json.Where(), unknown.size() > 1 ? "s" : "", fmt::join(unknown, ", "),
                  unknown.size() > 1 ? "them" : "it"));
}

std::string KeyTable() {
  std::string table = "| file | key | lacos |\n|---|---|---|\n";
  for (const KeyRule& rule : kRules) {
    std::string keys;
    AnyName(rule.keys, [&](std::string_view name) {
      keys += fmt::format("{}`{}`", keys.empty() ? "" : ", ", name);
      return false;
    });
    std::string effect;
    switch (rule.effect) {
      case kFollowed:
        effect = fmt::format("followed. {}", rule.text);
        break;
      case kNone:
        effect = fmt::format("no effect. {}", rule.text);
        break;
      case kRefused: {
        std::vector<std::string> values;
        const bool any_empty = rule.accepted == KeyRule{}.accepted;
        if (!any_empty) {
          Json::Parse(rule.accepted, "accepted values").ForEachElement([&](const Json& value) {
            if (!value.IsNull()) values.push_back(fmt::format("`{}`", value.Dump()));
          });
        }
        effect = fmt::format("refused{}: another value {}.",
                             any_empty        ? " unless null, false or empty"
                             : values.empty() ? ""
                                              : fmt::format(" unless {}", fmt::join(values, ", ")),
                             rule.text);
        if (values.empty() && !any_empty) effect = fmt::format("refused: it {}.", rule.text);
      }
    }
    table += fmt::format("| {} | {} | {} |\n", RowOf(rule.file).name, keys, effect);
  }
  return table;
}

}  // namespace lacos
