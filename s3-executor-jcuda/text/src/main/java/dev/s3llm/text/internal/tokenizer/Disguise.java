package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Secret spellings of added tokens. In the tokenizer that {@link #applyTo} describes, the tokens
 * have the same ids and the secret spellings instead of their own ones, so that a text that spells
 * a token becomes plain pieces. Immutable.
 *
 * <p>A spelling has 24 random letters of a script that no tokenizer's normalizer changes
 * (cuneiform), more than 200 bits. It begins and ends with a word character where the token does,
 * since tokens beside it may depend on that.
 */
final class Disguise {
  private static final int FIRST_LETTER = 0x12000;
  private static final int LETTERS = 0x300;
  private static final int LENGTH = 24;

  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build();

  private final Map<String, String> spellings = new HashMap<>();

  Disguise(List<AddedToken> tokens) {
    SecureRandom random = new SecureRandom();
    for (AddedToken token : tokens) {
      spellings.put(token.content(), spelling(token.content(), random));
    }
  }

  private static String spelling(String content, SecureRandom random) {
    StringBuilder spelling = new StringBuilder();
    if (!Words.isWord(content.codePointAt(0))) {
      spelling.append('<');
    }
    random.ints(LENGTH, FIRST_LETTER, FIRST_LETTER + LETTERS).forEach(spelling::appendCodePoint);
    if (!Words.isWord(content.codePointBefore(content.length()))) {
      spelling.append('>');
    }
    return spelling.toString();
  }

  /** Returns a text with secret spellings of the tokens at these places. */
  String applyTo(String text, List<ForeignText.Match> matches) {
    StringBuilder disguised = new StringBuilder();
    int from = 0;
    for (ForeignText.Match match : matches) {
      disguised.append(text, from, match.start());
      disguised.append(spellings.get(match.token().content()));
      from = match.end();
    }
    return disguised.append(text, from, text.length()).toString();
  }

  /**
   * Returns the content of a {@code tokenizer.json} with secret spellings: of the added tokens, of
   * equal pieces of the vocabulary, and of the unknown token. Merges of such pieces are left out.
   *
   * @param json the content
   */
  byte[] applyTo(byte[] json) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(json.length + json.length / 8);
    try (JsonParser parser = JSON.createParser(json);
        JsonGenerator generator = JSON.createGenerator(out)) {
      new Copy(parser, generator).run();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // the content was parsed before
    }
    return out.toByteArray();
  }

  private String spelled(String text) {
    return spellings.getOrDefault(text, text);
  }

  /** Copies JSON from a parser to a generator. */
  private final class Copy {
    private final JsonParser parser;
    private final JsonGenerator generator;
    private final Deque<String> path = new ArrayDeque<>();

    Copy(JsonParser parser, JsonGenerator generator) {
      this.parser = parser;
      this.generator = generator;
    }

    void run() throws IOException {
      while (parser.nextToken() != null) {
        copy(parser.currentToken());
      }
    }

    private void copy(JsonToken token) throws IOException {
      switch (token) {
        case FIELD_NAME -> copyName();
        case VALUE_STRING ->
            generator.writeString(isToken() ? spelled(parser.getText()) : parser.getText());
        case START_ARRAY -> {
          if (at("model", "merges")) {
            copyMerges();
          } else {
            open();
            generator.writeStartArray();
          }
        }
        case START_OBJECT -> {
          open();
          generator.writeStartObject();
        }
        case END_ARRAY, END_OBJECT -> {
          path.pop();
          generator.copyCurrentEvent(parser);
        }
        default -> generator.copyCurrentEvent(parser);
      }
    }

    private void open() {
      String name = parser.getParsingContext().getParent().getCurrentName();
      path.push(name == null ? "" : name);
    }

    private void copyName() throws IOException {
      String name = parser.currentName();
      generator.writeFieldName(within("model", "vocab") ? spelled(name) : name);
    }

    /** Returns whether the current text is the content of an added token or a piece. */
    private boolean isToken() {
      String name = String.valueOf(parser.getParsingContext().getCurrentName());
      return (name.equals("content") && path.size() == 3 && path.contains("added_tokens"))
          || (name.equals("unk_token") && path.size() == 2 && "model".equals(path.peek()))
          || (path.size() == 4 && path.contains("vocab") && path.contains("model"));
    }

    private boolean within(String outer, String inner) {
      return path.size() == 3 && inner.equals(path.peek()) && path.contains(outer);
    }

    private boolean at(String outer, String name) {
      return path.size() == 2
          && outer.equals(path.peek())
          && name.equals(parser.getParsingContext().getParent().getCurrentName());
    }

    private void copyMerges() throws IOException {
      generator.writeStartArray();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        List<String> sides = new ArrayList<>();
        boolean pair = parser.currentToken() == JsonToken.START_ARRAY;
        if (pair) {
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            sides.add(parser.getText());
          }
        } else {
          sides.addAll(List.of(parser.getText().split(" ", -1)));
        }
        if (!concerns(sides)) {
          write(sides, pair);
        }
      }
      generator.writeEndArray();
    }

    private boolean concerns(List<String> sides) {
      return spellings.containsKey(String.join("", sides))
          || sides.stream().anyMatch(spellings::containsKey);
    }

    private void write(List<String> sides, boolean pair) throws IOException {
      if (pair) {
        generator.writeStartArray();
        for (String side : sides) {
          generator.writeString(side);
        }
        generator.writeEndArray();
      } else {
        generator.writeString(String.join(" ", sides));
      }
    }
  }
}
