#include "unit/data/forms.h"

#include <sstream>

namespace lacos {

const std::vector<Form>& Forms() {
  static const std::vector<Form> forms = {
      {"NLI with words",
       "nli.tsv",
       "sentence1\tsentence2\tlabel\na b\tc d\tentailment\na b\te f\tneutral\ng h\ti j\tentailment\n"
       "k l\tm n\tcontradictory\no p\tq r\t-\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "sentence2",
       "label"},
      {"NLI with numbers as floats",
       "nli.csv",
       "premise,hypothesis,label\na b,c d,0.0\na b,e f,1.0\ng h,i j,0.0\nk l,m n,2.0\no p,q r,\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "hypothesis",
       "label"},
      {"labels told by a 2",
       "two.csv",
       "sentence1,sentence2,label\na b,c d,0\na b,e f,1\ng h,i j,0\nk l,m n,2\no p,q r,-1\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "sentence2",
       "label"},
      {"paraphrases in words",
       "pairs.jsonl",
       "{\"text1\": \"a b\", \"text2\": \"c d\", \"label\": true}\n"
       "{\"text1\": \"g h\", \"text2\": \"i j\", \"label\": true}\n"
       "{\"text1\": \"a b\", \"text2\": \"e f\", \"label\": false}\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "text2",
       "label"},
      {"paraphrases with a scheme",
       "paws.tsv",
       "id\tsentence1\tsentence2\tlabel\n1\ta b\tc d\t1\n2\ta b\te f\t0\n3\tg h\ti j\t1\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "sentence2",
       "label",
       LabelScheme::kParaphrase},
      {"QQP",
       "qqp.tsv",
       "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta b\tc d\t1\n"
       "1\t3\t4\ta b\te f\t0\n2\t5\t6\tg h\ti j\t1\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "question2",
       "is_duplicate"},
      {"MRPC",
       "mrpc.tsv",
       "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t10\t11\ta b\tc d\n"
       "0\t12\t13\ta b\te f\n1\t14\t15\tg h\ti j\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "#2 String",
       ""},
      {"MTEB's pairs",
       "mteb.json",
       R"({"sent1": ["a b", "e f"], "sent2": ["c d", "g h"], "labels": [true, true]})",
       {{"a b", "c d"}, {"e f", "g h"}},
       "sent2",
       ""},
      {"QNLI",
       "qnli.tsv",
       "index\tquestion\tsentence\tlabel\n0\ta b\tc d\tentailment\n1\ta b\te f\tnot_entailment\n"
       "2\tg h\ti j\tentailment\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "sentence",
       "label"},
      {"ANLI",
       "anli.tsv",
       "uid\tcontext\thypothesis\tlabel\n0\ta b\tc d\te\n1\ta b\te f\tc\n2\tg h\ti j\te\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "hypothesis",
       "label"},
      {"STS-B of GLUE by its label",
       "stsb.csv",
       "sentence1,sentence2,label,idx\na b,c d,5.0,0\ne f,g h,3.8,1\ni j,k l,,2\n",
       {{"a b", "c d"}, {"e f", "g h"}},
       "sentence2",
       "label"},
      {"similarity scores",
       "sts.csv",
       "sentence_a,sentence_b,similarity_score\na b,c d,0.9\ne f,g h,0.1\ni j,k l,\n",
       {{"a b", "c d"}, {"e f", "g h"}},
       "sentence_b",
       "similarity_score"},
      {"triplets with numbered negatives",
       "triplets.csv",
       "anchor,positive,negative_1,negative_3\na b,c d,e f,g h\ni j,k l,m n,\no p,q r,s t,u v\n",
       {{"a b", "c d", "e f", "g h"}, {"i j", "k l", "m n"}, {"o p", "q r", "s t", "u v"}},
       "positive",
       ""},
      {"a list of negatives",
       "list.jsonl",
       "{\"anchor\": \"a b\", \"positive\": \"c d\", \"negative\": [\"e f\", \"g h\"]}\n"
       "{\"anchor\": \"i j\", \"positive\": \"k l\", \"negative\": []}\n"
       "{\"anchor\": \"m n\", \"positive\": \"o p\", \"negative\": \"q r\"}\n",
       {{"a b", "c d", "e f", "g h"}, {"i j", "k l"}, {"m n", "o p", "q r"}},
       "positive",
       ""},
      {"FlagEmbedding",
       "flag.jsonl",
       "{\"query\": \"a b\", \"pos\": [\"c d\", \"e f\"], \"neg\": [\"g h\"]}\n"
       "{\"query\": \"i j\", \"pos\": [\"k l\"], \"neg\": [\"m n\", \"o p\"]}\n"
       "{\"query\": \"q r\", \"pos\": [\"s t\"], \"neg\": []}\n",
       {{"a b", "c d", "g h"}, {"a b", "e f", "g h"}, {"i j", "k l", "m n", "o p"}, {"q r", "s t"}},
       "query",
       ""},
      {"sets",
       "sets.jsonl",
       "{\"set\": [\"a b\", \"c d\"]}\n{\"set\": [\"e f\", \"g h\", \"i j\"]}\n"
       "{\"set\": [\"k l\", \"m n\"]}\n",
       {{"a b", "c d"}, {"e f", "g h"}, {"e f", "i j"}, {"k l", "m n"}},
       "set",
       ""},
      {"questions and answers",
       "qa.jsonl",
       "{\"question\": \"a b\", \"answer\": \"c d\"}\n{\"question\": \"e f\", \"answer\": \"g h\"}\n"
       "{\"question\": \"i j\", \"answer\": \"k l\"}\n",
       {{"a b", "c d"}, {"e f", "g h"}, {"i j", "k l"}},
       "answer",
       ""},
      {"arrays of texts",
       "arrays.jsonl",
       "[\"a b\", \"c d\"]\n[\"e f\", \"g h\", \"i j\"]\n[\"k l\", \"m n\"]\n",
       {{"a b", "c d"}, {"e f", "g h", "i j"}, {"k l", "m n"}},
       "",
       ""},
      {"headerless triplets",
       "triples.tsv",
       "a b\tc d\te f\ng h\ti j\tk l\nm n\to p\tq r\n",
       {{"a b", "c d", "e f"}, {"g h", "i j", "k l"}, {"m n", "o p", "q r"}},
       "",
       "",
       LabelScheme::kAuto,
       false},
      {"headerless pairs",
       "pairs.tsv",
       "a b\tc d\ne f\tg h\ni j\tk l\n",
       {{"a b", "c d"}, {"e f", "g h"}, {"i j", "k l"}},
       "",
       "",
       LabelScheme::kAuto,
       false},
      {"headerless NLI",
       "nli.txt",
       "a b\tc d\tentailment\na b\te f\tneutral\ng h\ti j\tentailment\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "",
       "",
       LabelScheme::kAuto,
       false},
      {"SciTail without a header",
       "scitail.tsv",
       "a b\te f\tneutral\na b\tc d\tentails\ng h\ti j\tentails\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "",
       "",
       LabelScheme::kAuto,
       false},
      {"HANS",
       "hans.txt",
       "gold_label\tsentence1\tsentence2\tpairID\nentailment\ta b\tc d\tex0\n"
       "non-entailment\ta b\te f\tex1\nentailment\tg h\ti j\tex2\n",
       {{"a b", "c d"}, {"g h", "i j"}},
       "sentence2",
       "gold_label"},
      {"texts in lines",
       "lines.txt",
       "a b c.\nd e f.\ng h i.\n",
       {{"a b c."}, {"d e f."}, {"g h i."}},
       "",
       "",
       LabelScheme::kAuto,
       false},
      {"parallel texts with any header",
       "parallel.tsv",
       "english\tfrench\na b\tc d\ne f\tg h\ni j\tk l\n",
       {{"a b", "c d"}, {"e f", "g h"}, {"i j", "k l"}},
       "",
       ""},
      {"language codes above single words",
       "words.csv",
       "en,de\ndog,Hund\ncat,Katze\nbird,Vogel\n",
       {{"dog", "Hund"}, {"cat", "Katze"}, {"bird", "Vogel"}},
       "",
       ""},
      {"translations of datasets",
       "opus.jsonl",
       "{\"id\": \"0\", \"translation\": {\"en\": \"a b\", \"fr\": \"c d\"}}\n"
       "{\"id\": \"1\", \"translation\": {\"en\": \"e f\", \"fr\": \"g h\"}}\n"
       "{\"id\": \"2\", \"translation\": {\"en\": \"i j\", \"fr\": \"k l\"}}\n",
       {{"a b", "c d"}, {"e f", "g h"}, {"i j", "k l"}},
       "",
       ""},
      {"classes",
       "classes.tsv",
       "sentence\tlabel\na b\tx\nc d\ty\ne f\tx\n",
       {{"a b"}, {"c d"}, {"e f"}},
       "sentence",
       ""},
      {"names with blanks and capitals",
       "Pairs.TSV",
       "Sentence 1\tSentence 2\na b\tc d\ne f\tg h\ni j\tk l\n",
       {{"a b", "c d"}, {"e f", "g h"}, {"i j", "k l"}},
       "Sentence 2",
       ""},
      {"a pretty-printed array",
       "array.json",
       "[\n  {\n    \"anchor\": \"a b\",\n    \"positive\": \"c d\"\n  },\n  {\n    \"anchor\": \"e f\",\n"
       "    \"positive\": \"g h\"\n  }\n]\n",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"an array on one line",
       "records.json",
       R"([{"anchor": "a b", "positive": "c d"},{"anchor": "e f", "positive": "g h"}])",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"columns",
       "columns.json",
       R"({"anchor": ["a b", "e f"], "positive": ["c d", "g h"]})",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"pandas' columns",
       "pandas.json",
       R"({"anchor":{"0":"a b","1":"e f"},"positive":{"0":"c d","1":"g h"}})",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"pandas' index",
       "index.json",
       R"({"0":{"anchor":"a b","positive":"c d"},"1":{"anchor":"e f","positive":"g h"}})",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"pandas' split",
       "split.json",
       R"({"columns":["anchor","positive"],"index":[0,1],"data":[["a b","c d"],["e f","g h"]]})",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"pandas' table",
       "table.json",
       R"({"schema":{"fields":[]},"data":[{"anchor":"a b","positive":"c d"},{"anchor":"e f","positive":"g h"}]})",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"objects over several lines",
       "jq.json",
       "{\n  \"anchor\": \"a b\",\n  \"positive\": \"c d\"\n}\n{\n  \"anchor\": \"e f\",\n  \"positive\": "
       "\"g h\"\n}\n",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"JSON lines called .json",
       "lines.json",
       "{\"anchor\": \"a b\", \"positive\": \"c d\"}\n{\"anchor\": \"e f\", \"positive\": \"g h\"}\n",
       {{"a b", "c d"}, {"e f", "g h"}},
       "",
       ""},
      {"CRLF and a byte-order mark",
       "windows.csv",
       "\xEF\xBB\xBFsentence1,sentence2\r\na b,c d\r\ne f,g h\r\ni j,k l\r\n",
       {{"a b", "c d"}, {"e f", "g h"}, {"i j", "k l"}},
       "sentence2",
       ""},
  };
  return forms;
}

std::string Replaced(std::string bytes, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = bytes.find(from, at)) != std::string::npos; at += to.size())
    bytes.replace(at, from.size(), to);
  return bytes;
}

std::string WithSurplus(const Form& form) {
  if (form.file == "columns.json")
    return Replaced(form.bytes, "{\"anchor\"", "{\"surplus\": [\"x y\", \"x z\"], \"anchor\"");
  if (form.file == "mteb.json")
    return Replaced(form.bytes, "{\"sent1\"", "{\"surplus\": [\"x y\", \"x z\"], \"sent1\"");
  if (form.file == "pandas.json")
    return Replaced(form.bytes, "{\"anchor\"",
                    "{\"surplus\":{\"0\":\"x y\",\"1\":\"x z\"},\"anchor\"");
  if (form.file == "split.json") {
    std::string bytes = Replaced(form.bytes, "[\"anchor\"", "[\"surplus\",\"anchor\"");
    bytes = Replaced(bytes, "\"],[\"", "\"],[\"x y\",\"");
    return Replaced(bytes, "[[\"a b\"", "[[\"x y\",\"a b\"");
  }
  if (form.file == "arrays.jsonl") return Replaced(form.bytes, "\"]\n", "\", \"x y\"]\n");
  if (IsJson(form)) {
    std::string bytes = form.bytes;
    for (const char* key :
         {"\"anchor\":", "\"query\":", "\"question\":", "\"text1\":", "\"set\":", "\"id\":"}) {
      bytes = Replaced(bytes, key, std::string("\"surplus\": \"x y\", ") + key);
    }
    return bytes;
  }
  std::istringstream stream(form.bytes);
  std::string bytes;
  bool is_header = form.has_header;
  for (std::string line; std::getline(stream, line); is_header = false) {
    const bool crlf = line.ends_with('\r');
    if (crlf) line.pop_back();
    bytes += line + DelimiterOf(form) + (is_header ? "surplus" : "x y") + (crlf ? "\r\n" : "\n");
  }
  return bytes;
}

}  // namespace lacos
