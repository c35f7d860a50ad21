package dev.s3llm.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A model folder whose tokenizer has one token for each byte and a few special ones; encoding adds
 * {@code <s>} in front.
 */
final class ByteModel {
  static final List<String> SPECIAL =
      List.of("<s>", "</s>", "<|im_start|>", "<|im_end|>", "[TOOL_CALLS]");
  static final int START = 0;
  static final int END = 1;
  static final int VOCABULARY = SPECIAL.size() + 256;

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Path CONFIG =
      Path.of("../model/src/test/resources/reference/llama-mha/config.json");

  private ByteModel() {}

  /** Returns the tokens of a text without special tokens. */
  static int[] tokens(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = SPECIAL.size() + (bytes[i] & 0xFF);
    }
    return tokens;
  }

  static void write(Path folder) throws IOException {
    ObjectNode config = (ObjectNode) MAPPER.readTree(Files.readString(CONFIG));
    config.put("eos_token_id", END).put("vocab_size", VOCABULARY);
    Files.writeString(folder.resolve("config.json"), config.toString());
    Files.writeString(folder.resolve("tokenizer.json"), tokenizer().toString());
  }

  private static ObjectNode tokenizer() {
    ObjectNode json = MAPPER.createObjectNode().put("version", "1.0");
    ArrayNode added = json.putArray("added_tokens");
    ObjectNode model = json.putObject("model").put("type", "BPE");
    model.putArray("merges");
    ObjectNode vocabulary = model.putObject("vocab");
    for (int i = 0; i < SPECIAL.size(); i++) {
      vocabulary.put(SPECIAL.get(i), i);
      ObjectNode token = added.addObject().put("id", i).put("content", SPECIAL.get(i));
      token.put("single_word", false).put("lstrip", false).put("rstrip", false);
      token.put("normalized", false).put("special", true);
    }
    int moved = 0;
    for (int b = 0; b < 256; b++) {
      boolean own = b >= 33 && b <= 126 || b >= 161 && b != 173;
      vocabulary.put(Character.toString(own ? b : 256 + moved++), SPECIAL.size() + b);
    }
    json.set("pre_tokenizer", byteLevel());
    json.set("decoder", byteLevel());
    json.set("post_processor", startsWithStartToken());
    return json;
  }

  private static ObjectNode byteLevel() {
    ObjectNode node = MAPPER.createObjectNode().put("type", "ByteLevel");
    return node.put("add_prefix_space", false).put("trim_offsets", true).put("use_regex", false);
  }

  private static ObjectNode startsWithStartToken() {
    ObjectNode node = MAPPER.createObjectNode().put("type", "TemplateProcessing");
    ArrayNode single = node.putArray("single");
    single.addObject().putObject("SpecialToken").put("id", "<s>").put("type_id", 0);
    single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    node.putArray("pair").addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    ObjectNode start = node.putObject("special_tokens").putObject("<s>").put("id", "<s>");
    start.putArray("ids").add(START);
    start.putArray("tokens").add("<s>");
    return node;
  }
}
