package dev.s3llm.text.internal.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The tokenizers that are loaded, and those that are refused since they would be wrong. */
class TokenizerFileTest {
  private static final String WORDS =
      "{\"type\":\"WordLevel\",\"vocab\":{\"<unk>\":0,\"a\":1,\"b\":2,\"ab\":3},\"unk_token\":\"<unk>\"}";
  private static final String PAIRS =
      "{\"type\":\"BPE\",\"vocab\":{\"a\":1,\"b\":2,\"ab\":3},\"merges\":[\"a b\"]}";

  @TempDir Path folder;

  @Test
  void missingFile_isNamed() {
    assertThatThrownBy(() -> TextTokenizer.load(folder))
        .hasMessageContaining("tokenizer.json is missing");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{}", "not json", "{\"model\":{\"type\":\"BPE\"}}"})
  void badTokenizer_isRefused(String json) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), json);
    assertThatThrownBy(() -> TextTokenizer.load(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tokenizer.json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model", // of the small model: byte-level pairs with digits apart and a template
        "length-model", // of its length model: word pieces
      })
  void tokenizersThatAreShipped_areLoaded(String name) throws IOException {
    Path file =
        Path.of("../../s3-examples/small-model/src/main/resources/dev/s3llm/examples", name)
            .resolve("tokenizer.json");
    Files.copy(file, folder.resolve("tokenizer.json"));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      assertThat(tokenizer.decode(tokenizer.encode("hello world"))).contains("hello world");
    }
  }

  /** The parts of Llama 2's, Llama 3's and Qwen2's files with a small vocabulary. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'_'},"
            + "{'type':'Replace','pattern':{'String':' '},'content':'_'}]}|null|"
            + "{'type':'Sequence','decoders':[{'type':'Replace','pattern':{'String':'_'},'content':' '},"
            + "{'type':'ByteFallback'},{'type':'Fuse'},{'type':'Strip','content':' ','start':1,'stop':0}]}",
        "null|{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':"
            + "'(?i:\\u0027s|\\u0027t|\\u0027re|\\u0027ve|\\u0027m|\\u0027ll|\\u0027d)"
            + "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*"
            + "|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+'},'behavior':'Isolated','invert':false},"
            + "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':false}]}|"
            + "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,'use_regex':true}",
        "{'type':'NFC'}|{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':"
            + "'(?i:\\u0027s|\\u0027t|\\u0027re|\\u0027ve|\\u0027m|\\u0027ll|\\u0027d)"
            + "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*"
            + "|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+'},'behavior':'Isolated','invert':false}]}|null",
      })
  void partsOfWellKnownFamilies_areLoaded(String parts) throws IOException {
    String[] part = parts.replace('\'', '"').split("\\|(?=[{n])");
    write(json(PAIRS, "", part[0], part[1], "null", part[2]));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      assertThat(tokenizer.encode("ab")).contains(3);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'b':2 | 'a':2 | Duplicate field",
        "'b':2 | 'b':1 | have one id",
        "'b':2 | 'b':-2 | ids are in [0",
        "'b':2 | 'b':4294967295 | ids are in [0",
        "'b':2 | 'b':16777216 | ids are in [0",
        "'b':2 | 'b':2.5 | ids are in [0",
        "'merges':['a b'] | 'merges':['a b','a b'] | a merge is there twice",
        "'merges':['a b'] | 'merges':['a c'] | a merge is of no known pieces",
        "'merges':['a b'] | 'merges':['b a'] | a merge is of no known pieces",
        "'merges':['a b'] | 'merges':[' a'] | a merge has an empty side",
        "'merges':['a b'] | 'merges':[['a','b','c']] | not a pair",
        "'merges':['a b'] | 'merges':{} | merges is {}, but must be list",
        "'vocab':{'a':1,'b':2,'ab':3} | 'vocab':{} | the vocabulary is empty",
        "'type':'BPE' | 'type':'BPE','more':1 | fields that are not known",
        "'type':'BPE' | 'type':'BPE','dropout':0.5 | dropout is 0.5",
        "'type':'BPE' | 'type':'BPE','unk_token':'no' | unk_token is no piece",
        "'type':'BPE' | 'type':'Magic' | 'Magic', which is not supported",
      })
  void vocabularyThatContradictsItself_isRefused(String good, String bad, String because)
      throws IOException {
    String model = PAIRS.replace(plain(good), plain(bad));
    assertThat(model).isNotEqualTo(PAIRS);
    refused(json(model, "", "null", "null", "null", "null"), because);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[['a',0.0],['a',1.0]] | 0 | is there twice",
        "[['a',0.0],['b',1.0]] | 2 | unk_id is 2",
        "[['a',0.0],['b','c']] | 0 | a piece of the vocabulary is",
        "[['a',1e999]] | 0 | score",
        "[] | 0 | unk_id is 0",
      })
  void scoresThatContradictThemselves_areRefused(String pieces, int unknown, String because)
      throws IOException {
    String model = plain("{'type':'Unigram','unk_id':%d,'vocab':%s}".formatted(unknown, pieces));
    refused(json(model, "", "null", "null", "null", "null"), because);
  }

  @Test
  void addedTokensThatContradictTheVocabulary_areRefused() throws IOException {
    refused(json(WORDS, added(1, "<x>"), "null", "null", "null", "null"), "contradicts");
    refused(json(WORDS, added(9, "a"), "null", "null", "null", "null"), "contradicts");
    refused(json(WORDS, added(9, ""), "null", "null", "null", "null"), "is empty");
    refused(
        json(WORDS, added(8, "<x>") + "," + added(9, "<x>"), "null", "null", "null", "null"),
        "is there twice");
  }

  /** Each of these ends the process in the native library, some only at the first text. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "0 | {'type':'Precompiled','precompiled_charsmap':'AAAA'} | not supported",
        "1 | {'type':'FixedLength','length':0} | not supported",
        "1 | {'type':'Split','pattern':{'Regex':'(a+)+c'},'behavior':'Isolated','invert':false} | pattern",
        "1 | {'type':'Split','pattern':{'Regex':'a*a*c'},'behavior':'Isolated','invert':false} | pattern",
        "2 | {'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<q>','type_id':0}}],'pair':[],'special_tokens':{}} | template",
        "3 | {'type':'Strip','content':'a','start':0,'stop':99} | stop",
        "3 | {'type':'ByteLevel'} | add_prefix_space is , but must be flag",
        "3 | {'type':'Nope'} | not supported",
      })
  void partsThatEndTheProcess_areRefused(int place, String part, String because)
      throws IOException {
    String[] parts = {"null", "null", "null", "null"};
    parts[place] = plain(part);
    refused(json(WORDS, "", parts[0], parts[1], parts[2], parts[3]), because);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\\s+",
        "\\d{1,3}|\\w+",
        "[^\\s\\]]+x?",
        "(?:a|b)?c*",
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*",
        "x(?!y)|(?:a+|b)?c{0,9}d*",
        "a{1,99}|b{1,9}",
      })
  void expressionsThatCannotStepBackFar_areAllowed(String safe) {
    assertThat(TokenizerRegex.isSafe(safe)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
            + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
            + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      })
  void expressionsOfGpt2AndMistralNemo_splitLongTexts(String known) throws IOException {
    String json = known.replace("\\", "\\\\");
    String split =
        plain("{'type':'Split','pattern':{'Regex':@},'behavior':'Isolated','invert':false}")
            .replace("@", "\"" + json + "\"");
    write(json(PAIRS, "", "null", split, "null", "null"));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      for (String hostile : new String[] {"A", "\u0301", " ", "\n", "!", "/", "\u4e00"}) {
        String text = "\u0301" + hostile.repeat(200_000) + "ab";
        assertThat(tokenizer.encode(text)).as(hostile).isNotEmpty();
      }
    }
  }

  /** With these the native library ends the process or needs hours, so no text is encoded. */
  @Test
  void expressionsThatMayStepBackWithoutEnd_areRefused() {
    String[] unsafe = {
      "(a+)+",
      "a*b*c",
      "(?:a*|b)c*d",
      "(a|a)*",
      "(a|a)".repeat(28) + "b",
      "a?".repeat(28) + "b",
      "a{1,99}".repeat(6) + "b",
      "(?:a{1,99}|b)(?:a{1,99}|b)",
      "\\w+(?!\\S)",
      "a+(?:b|)",
      "(?:(?:a+))b",
      "(?=a+)a",
      "a+[bd]|a+[ce]",
      "a{1000}",
      "a{9}{9}",
      "a{1,3}+",
      "(a{9}){9}",
      "(a)\\1",
      "(?<=a)b",
      "[a",
      "[]a]",
      "(",
      ")",
      "a)b",
      "\\",
      "a{2,}",
      "a+b{01}",
      "a+b{01,5}",
      "a+b{00}",
      "a+b{0,05}",
      "(?>a)",
      "x".repeat(600),
      "\\k<n>",
      "a**",
      "*a"
    };
    for (String bad : unsafe) {
      assertThat(TokenizerRegex.isSafe(bad)).as(bad).isFalse();
    }
  }

  @Test
  void longTexts_areRefusedBeforeTheyEndTheProcess() throws IOException {
    write(json(PAIRS, "", "null", "null", "null", "null"));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      String longest = " ".repeat(4_000_001);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.encode(longest))
          .withMessageContaining("4000001 characters");
    }
  }

  private void refused(String json, String because) throws IOException {
    write(json);
    assertThatExceptionOfType(ModelFormatException.class)
        .isThrownBy(() -> TextTokenizer.load(folder).close())
        .withMessageContaining("tokenizer.json")
        .withMessageContaining(because);
  }

  private void write(String json) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), json);
  }

  private static String json(
      String model, String added, String normalizer, String pre, String post, String decoder) {
    return ("{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[%s],"
            + "\"normalizer\":%s,\"pre_tokenizer\":%s,\"post_processor\":%s,\"decoder\":%s,\"model\":%s}")
        .formatted(added, normalizer, pre, post, decoder, model);
  }

  private static String added(int id, String content) {
    return plain(
        "{'id':%d,'content':'%s','single_word':false,'lstrip':false,'rstrip':false,'normalized':false,'special':true}"
            .formatted(id, content));
  }

  private static String plain(String quoted) {
    return quoted.replace('\'', '"');
  }
}
