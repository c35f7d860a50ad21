package dev.s3llm.text.internal.tool;

import dev.s3llm.text.tool.AnswerFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.regex.Pattern;

/**
 * How the calls of a format begin, and what reads them.
 *
 * @param triggers the beginnings; of several that fit, the first whose reader accepts counts
 * @param noise markers without a meaning of their own, which are dropped
 */
record Dialect(List<Trigger> triggers, List<String> noise) {

  /** Where a trigger counts. */
  enum Place {
    ANYWHERE,
    /** At the beginning of the answer or of a line. */
    LINE,
    /** At the beginning of the answer. */
    ANSWER
  }

  /**
   * A beginning of calls.
   *
   * @param marker the text with which calls begin
   * @param consumed whether the marker is dropped; the reader reads it otherwise
   * @param place where it counts
   * @param reader creates what reads the calls
   */
  record Trigger(
      String marker,
      boolean consumed,
      Place place,
      BiFunction<Emitter, Functions, Recognizer> reader) {}

  private static final String NAME = "([a-zA-Z_][\\w.-]*)";
  private static final String TAG = "<tool_call>";
  private static final String TAG_END = "</tool_call>";
  private static final Pattern MISTRAL_HEADER =
      Pattern.compile("\\s*" + NAME + "\\s*(?:\\[CALL_ID\\]\\s*\\w*\\s*)?(?:\\[ARGS\\])?\\s*");
  private static final Pattern DEEPSEEK_HEADER =
      Pattern.compile(
          "\\s*(?:function<｜tool▁sep｜>)?" + NAME + "(?:<｜tool▁sep｜>)?\\s*(?:```(?:json)?\\s*)?");
  private static final Pattern KIMI_HEADER =
      Pattern.compile(
          "\\s*(?:functions\\.)?([a-zA-Z_][\\w-]*)(?::\\d+)?\\s*<\\|tool_call_argument_begin\\|>\\s*");

  /** Returns the dialect of a format. */
  static Dialect of(AnswerFormat format) {
    return switch (format) {
      case RAW, HARMONY -> new Dialect(List.of(), List.of());
      case JSON -> dialect(List.of());
      case LLAMA_JSON ->
          dialect(
              List.of("<|python_tag|>"),
              marked("<|python_tag|>", ""),
              new Trigger("{", false, Place.LINE, json("", true, false)));
      case HERMES ->
          dialect(
              List.of(),
              marked(TAG, TAG_END),
              tagged(TAG, true, TaggedCalls.FUNCTION),
              tagged(TAG, true, TaggedCalls.KEYS),
              tagged("<function=", false, TaggedCalls.FUNCTION));
      case MISTRAL ->
          dialect(
              List.of(),
              marked("[TOOL_CALLS]", ""),
              named("[TOOL_CALLS]", MISTRAL_HEADER, List.of()));
      case PYTHONIC ->
          dialect(
              List.of("<|python_start|>", "<|python_end|>", "<|python_tag|>"),
              pythonic("<|python_start|>", true, Place.ANYWHERE, "<|python_end|>"),
              pythonic("<|tool_call_start|>", true, Place.ANYWHERE, "<|tool_call_end|>"),
              pythonic("[", false, Place.LINE, ""),
              new Trigger("{", false, Place.LINE, json("", true, false)));
      case DEEPSEEK ->
          dialect(
              List.of("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
              named("<｜tool▁call▁begin｜>", DEEPSEEK_HEADER, List.of("```", "<｜tool▁call▁end｜>")));
      case KIMI ->
          dialect(
              List.of("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
              named("<|tool_call_begin|>", KIMI_HEADER, List.of("<|tool_call_end|>")));
      case PHI ->
          dialect(List.of(), marked("<|tool_call|>", "<|/tool_call|>"), marked("functools", ""));
      case COHERE ->
          dialect(
              List.of("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
              marked("<|START_ACTION|>", "<|END_ACTION|>"));
    };
  }

  /** Returns a dialect that also accepts an answer that is nothing but calls in JSON. */
  private static Dialect dialect(List<String> noise, Trigger... own) {
    List<Trigger> triggers = new ArrayList<>(List.of(own));
    for (String fence : List.of("```json", "```tool_call", "```")) {
      triggers.add(new Trigger(fence, true, Place.ANSWER, json("```", true, true)));
    }
    triggers.add(new Trigger("{", false, Place.ANSWER, json("", true, true)));
    triggers.add(new Trigger("[", false, Place.ANSWER, json("", true, true)));
    return new Dialect(List.copyOf(triggers), noise);
  }

  private static Trigger marked(String marker, String closer) {
    return new Trigger(marker, true, Place.ANYWHERE, json(closer, false, false));
  }

  private static Trigger named(String marker, Pattern header, List<String> closers) {
    return new Trigger(
        marker,
        true,
        Place.ANYWHERE,
        (out, functions) -> new NamedCalls(out, functions, header, closers));
  }

  private static Trigger tagged(String marker, boolean consumed, TaggedCalls.Tags tags) {
    return new Trigger(
        marker,
        consumed,
        Place.ANYWHERE,
        (out, functions) -> new TaggedCalls(out, functions, tags));
  }

  private static Trigger pythonic(String marker, boolean consumed, Place place, String closer) {
    return new Trigger(
        marker, consumed, place, (out, functions) -> new PythonCalls(out, functions, closer));
  }

  private static BiFunction<Emitter, Functions, Recognizer> json(
      String closer, boolean bare, boolean whole) {
    return (out, functions) -> new JsonCalls(out, functions, closer, bare, whole);
  }
}
