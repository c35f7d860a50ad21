package dev.s3llm.text.internal.template;

import dev.s3llm.model.ModelFormatException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Reads the chat templates of a GGUF file's metadata. */
public final class GgufTemplates {
  private static final String TEMPLATE = "tokenizer.chat_template";
  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String TOKEN_TYPES = "tokenizer.ggml.token_type";

  /** The types of tokens that a tokenizer recognises as a whole: control and user-defined. */
  private static final Set<Long> ADDED = Set.of(3L, 4L);

  /** The keys of ids, by the names that templates use. */
  private static final Map<String, String> IDS =
      Map.of(
          "bos_token", "tokenizer.ggml.bos_token_id",
          "eos_token", "tokenizer.ggml.eos_token_id",
          "unk_token", "tokenizer.ggml.unknown_token_id",
          "sep_token", "tokenizer.ggml.separator_token_id",
          "pad_token", "tokenizer.ggml.padding_token_id",
          "cls_token", "tokenizer.ggml.cls_token_id",
          "mask_token", "tokenizer.ggml.mask_token_id");

  private final String file;
  private final Map<String, ?> metadata;

  private GgufTemplates(String file, Map<String, ?> metadata) {
    this.file = file;
    this.metadata = metadata;
  }

  /**
   * Reads the templates and special tokens.
   *
   * @param file the file's name, for messages
   * @param metadata the file's metadata: texts, integers as {@link Number}, arrays as lists of
   *     texts or {@code long[]}
   * @return the templates, the default one first
   * @throws ModelFormatException if a value is of another type, an id is no token, or a template is
   *     too long
   */
  public static ModelTemplates read(String file, Map<String, ?> metadata) {
    GgufTemplates reader = new GgufTemplates(file, metadata);
    List<TemplateSource> sources = reader.sources();
    List<?> tokens = metadata.get(TOKENS) instanceof List<?> list ? list : List.of();
    return new ModelTemplates(sources, reader.specialTokens(tokens), reader.addedTokens(tokens));
  }

  private List<TemplateSource> sources() {
    List<TemplateSource> sources = new ArrayList<>();
    if (metadata.containsKey(TEMPLATE)) {
      sources.add(source(TemplateSource.DEFAULT, TEMPLATE));
    }
    for (String key : new TreeMap<>(metadata).keySet()) {
      if (key.startsWith(TEMPLATE + ".")) {
        sources.add(source(key.substring(TEMPLATE.length() + 1), key));
      }
    }
    return sources;
  }

  private TemplateSource source(String name, String key) {
    if (metadata.get(key) instanceof String text) {
      return TemplateSource.checked(name, file + ": " + key, text);
    }
    throw new ModelFormatException("%s: %s must be a text".formatted(file, key));
  }

  private Map<String, Object> specialTokens(List<?> tokens) {
    Map<String, Object> special = new LinkedHashMap<>();
    IDS.forEach(
        (name, key) -> {
          if (metadata.containsKey(key)) {
            special.put(name, token(tokens, key));
          }
        });
    return special;
  }

  private String token(List<?> tokens, String key) {
    if (metadata.get(key) instanceof Number id
        && id.longValue() >= 0
        && id.longValue() < tokens.size()
        && tokens.get(id.intValue()) instanceof String text) {
      return text;
    }
    throw new ModelFormatException(
        "%s: %s is %s, but the file has %d tokens"
            .formatted(file, key, metadata.get(key), tokens.size()));
  }

  private Set<String> addedTokens(List<?> tokens) {
    Set<String> added = new HashSet<>();
    if (metadata.get(TOKEN_TYPES) instanceof long[] types) {
      for (int i = 0; i < Math.min(tokens.size(), types.length); i++) {
        if (ADDED.contains(types[i]) && tokens.get(i) instanceof String text) {
          added.add(text);
        }
      }
    }
    return added;
  }
}
