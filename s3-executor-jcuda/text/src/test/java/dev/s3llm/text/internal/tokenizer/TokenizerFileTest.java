package dev.s3llm.text.internal.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
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
        "'b':2 | 'a':2 | is there twice",
        "'b':2 | 'b':1 | have one id",
        "'b':2 | 'b':-2 | ids are in [0",
        "'b':2 | 'b':4294967295 | ids are in [0",
        "'b':2 | 'b':16777216 | ids are in [0",
        "'b':2 | 'b':2.5 | ids are in [0",
        "'merges':['a b'] | 'merges':['a c'] | out of vocabulary",
        "'merges':['a b'] | 'merges':['b a'] | out of vocabulary",
        "'merges':['a b'] | 'merges':[' a'] | out of vocabulary",
        "'merges':['a b'] | 'merges':[['a','b','c']] | MergeType",
        "'merges':['a b'] | 'merges':{} | MergeType",
        "'vocab':{'a':1,'b':2,'ab':3} | 'vocab':{} | the vocabulary is empty",
        "'type':'BPE' | 'type':'BPE','dropout':0.5 | dropout is 0.5",
        "'type':'BPE' | 'type':'Magic' | did not match any variant",
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
        "[['a',0.0],['b',1.0]] | 2 | UnkIdNotInVocabulary",
        "[['a',0.0],['b','c']] | 0 | expected f64",
        "[['a',1e999]] | 0 | out of range",
        "[] | 0 | EmptyVocabulary",
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
        "0 | {'type':'Precompiled','precompiled_charsmap':'AAAA'} | its size is -1",
        "0 | {'type':'Precompiled','precompiled_charsmap':'AAAAAA=='} | its size is 0",
        "0 | {'type':'Precompiled','precompiled_charsmap':'BAAAAAD8//8='} | beyond its end",
        "0 | {'type':'Precompiled','precompiled_charsmap':null} | no character map",
        "0 | {'type':'Precompiled'} | no character map",
        "1 | {'type':'FixedLength','length':0} | length is 0",
        "1 | {'type':'Sequence','pretokenizers':[{'type':'FixedLength','length':0}]} | pretokenizers[0]: length",
        "2 | {'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<q>','type_id':0}}],'pair':[],'special_tokens':{}} | template",
        "2 | {'single':[{'SpecialToken':{'id':'<q>','type_id':0}}],'pair':[],'special_tokens':{}} | template",
        "2 | {'type':'TemplateProcessing','single':[{'Sequence':{'id':'B','type_id':0}}],'pair':[],'special_tokens':{}} | template",
        "2 | [[{'SpecialToken':{'id':'<q>','type_id':0}}],[],{}] | not an object",
        "3 | {'type':'Strip','content':'a','start':0,'stop':99} | stop",
        "3 | ['a',0,99] | not an object",
        "3 | {'type':'Fuse','x':1e999} | too large",
        "3 | {'type':'Fuse','x':'\\ud800'} | half a surrogate pair",
        "3 | {'type':Fuse} | not valid JSON",
      })
  void partsThatEndTheProcess_areRefused(int place, String part, String because)
      throws IOException {
    String[] parts = {"null", "null", "null", "null"};
    parts[place] = plain(part);
    refused(json(WORDS, "", parts[0], parts[1], parts[2], parts[3]), because);
  }

  @Test
  void nestingThatEndsTheProcess_isRefused() throws IOException {
    String inner = "{'type':'Fuse'}";
    for (int i = 0; i < 150; i++) {
      inner = "{'type':'Sequence','decoders':[" + inner + "]}";
    }
    refused(json(WORDS, "", "null", "null", "null", plain(inner)), "nested too deeply");
  }

  @Test
  void prefixThatIsNotOnTheRightSideOfAMerge_isRefused() throws IOException {
    String model = PAIRS.replace("\"merges\"", "\"continuing_subword_prefix\":\"##\",\"merges\"");
    refused(json(model, "", "null", "null", "null", "null"), "does not start with the prefix");
  }

  @Test
  void unigramPiecesThatOverflowTheStack_areRefused() throws IOException {
    String model = "{'type':'Unigram','unk_id':0,'vocab':[['" + "a".repeat(100_000) + "',0]]}";
    refused(json(plain(model), "", "null", "null", "null", "null"), "more than 4096 bytes");
  }

  @Test
  void addedTokenOfWhichTheNormalizerLeavesNothing_isRefused() throws IOException {
    String blank = added(4, " ").replace("\"normalized\":false", "\"normalized\":true");
    String strip = plain("{'type':'Strip','strip_left':true,'strip_right':true}");
    refused(json(WORDS, blank, strip, "null", "null", "null"), "leaves nothing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'type':'BPE' | 'type':'BPE','more':1",
        "'type':'BPE', | ` `",
        "'type':'BPE' | 'type':'BPE','dropout':0.0",
        "'type':'BPE' | 'type':'BPE','unk_token':'<none>'",
        "'merges':['a b'] | 'merges':['a b','a b']",
        "'merges':['a b'] | 'merges':[['a','b']]",
        "'vocab' | 'byte_fallback':null,'vocab'",
        "'a':1 | '\\u0061':1",
      })
  void whatTheLibraryLoads_isLoaded(String before, String after) throws IOException {
    write(json(PAIRS.replace(plain(before), plain(after)), "", "null", "null", "null", "null"));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      assertThat(tokenizer.encode("ab")).containsExactly(3);
    }
  }

  @Test
  void textThatNeedsAMissingUnknownToken_isRefusedByName() throws IOException {
    String model = WORDS.replace("\"unk_token\":\"<unk>\"", "\"unk_token\":\"none\"");
    write(json(model, "", "null", "null", "null", "null"));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      assertThat(tokenizer.encode("ab")).containsExactly(3);
      assertThatExceptionOfType(ModelFormatException.class)
          .isThrownBy(() -> tokenizer.encode("zz"))
          .withMessageContaining("tokenizer.json cannot encode a text");
    }
  }

  /** A trie of one state that replaces U+0001 by nothing. */
  @Test
  void characterMaps_areUsed() throws IOException {
    String pieces = plain("{'type':'Unigram','unk_id':0,'vocab':[['?',0],['a',-1],['b',-1]]}");
    ByteBuffer map = ByteBuffer.allocate(4 + 4 * 512 + 1).order(ByteOrder.LITTLE_ENDIAN);
    map.putInt(4 * 512).putInt(256 << 10); // the root's children are at 256 and above
    map.putInt(4 + 4 * (256 ^ 'q'), 'q' | 1 << 8 | ('q' ^ 1) << 10); // q leads to 257, a leaf
    map.putInt(4 + 4 * 257, 1 << 31);
    String text = Base64.getEncoder().encodeToString(map.array());
    String normalizer = plain("{'type':'Precompiled','precompiled_charsmap':'" + text + "'}");
    write(json(pieces, "", normalizer, "null", "null", "null"));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      assertThat(tokenizer.encode("aqb")).containsExactly(1, 2);
    }
  }

  @Test
  void unsafeExpressions_areRefusedWithReasonAndWayOut() throws IOException {
    String split =
        "{'type':'Split','pattern':{'Regex':'(a+)+c'},'behavior':'Isolated','invert':false}";
    String inner = "{'type':'Sequence','pretokenizers':[{'type':'Whitespace'}," + split + "]}";
    for (String part :
        List.of("pre_tokenizer.pretokenizers[1]", "(a+)+c", "many ways", "-Ds3llm.")) {
      refused(json(WORDS, "", "null", plain(inner), "null", "null"), part);
    }
    System.setProperty(RegexLimit.UNCHECKED, "true");
    try {
      write(json(WORDS, "", "null", plain(split), "null", "null"));
      TextTokenizer.load(folder).close();
    } finally {
      System.clearProperty(RegexLimit.UNCHECKED);
    }
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
    write(json(PAIRS, "", "null", split(known), "null", "null"));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      for (String hostile : new String[] {"A", "\u0301", " ", "\n", "!", "/", "\u4e00"}) {
        String text = "\u0301" + hostile.repeat(200_000) + "ab";
        assertThat(tokenizer.encode(text)).as(hostile).isNotEmpty();
      }
    }
  }

  @Test
  void textsWithWhichAnExpressionTakesTooLong_areRefused() throws IOException {
    write(json(PAIRS, "", "null", split("\\s+$"), "null", "null"));
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      assertThat(tokenizer.encode("a ".repeat(60_000))).isNotEmpty();
      assertThat(tokenizer.encode("a" + " ".repeat(10_000) + "b")).isNotEmpty();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.encode("a" + " ".repeat(200_000) + "b"))
          .withMessageContaining("run of 200000 characters")
          .withMessageContaining("pre_tokenizer");
    }
  }

  private static String split(String regex) {
    return plain("{'type':'Split','pattern':{'Regex':@},'behavior':'Isolated','invert':false}")
        .replace("@", "\"" + regex.replace("\\", "\\\\") + "\"");
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
