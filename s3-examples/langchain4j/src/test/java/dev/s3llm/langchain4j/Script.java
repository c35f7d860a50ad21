package dev.s3llm.langchain4j;

import java.util.List;

/** Answers to the prompts of LangChain4j's tests and of this module's tests. */
final class Script {
  /**
   * Answers to a prompt.
   *
   * @param prompt texts that the prompt must contain, all of them
   * @param answers what a model may write, the likeliest first
   */
  private record Entry(List<String> prompt, List<String> answers) {}

  private static final String WEATHER = call("getWeather", "\"city\":\"Munich\"");
  private static final String TIME = call("getTime", "\"country\":\"France\"");

  /** The first entry whose texts are in the prompt counts. */
  private static final List<Entry> ENTRIES =
      List.of(
          entry(
              "The capital of Germany is Berlin, and 2 + 2 is 4.",
              "[user] What is the capital of Germany? How much is 2 + 2?"),
          new Entry(
              List.of("[user] What is the capital of Germany?"),
              List.of("The capital of Germany is Berlin.", "{\"city\": \"Berlin\"}")),
          entry(
              "Ich liebe dich.",
              "[system] Translate messages from user into German",
              "[user] Translate: 'I love you'"),
          entry(
              "Your favorite color is green.",
              "[user] Hi, my favorite color is green",
              "[assistant] Hi, nice to meet you",
              "[user] What is my favorite color?"),
          entry("Hello World, and all who live in it.", "[user] Say 'Hello World'"),
          entry("There was a cat. ".repeat(40), "[user] Tell me a long story"),
          entry("Hello! What can I do for you?", "[user] hello"),
          entry(
              "It is sunny in Munich, and 14:35 in France.",
              "[user] What is the weather in Munich and time in France?",
              "sunny",
              "14:35"),
          entry(WEATHER + "\n" + TIME, "[user] What is the weather in Munich and time in France?"),
          new Entry(
              List.of("[user] What is the weather in Munich?", "<tool_response>\nsunny"),
              List.of("It is sunny in Munich.", "{\"weather\": \"sunny\"}")),
          entry(WEATHER, "[user] What is the weather in Munich?"),
          new Entry(List.of("[user] I live in Munich"), List.of("How nice!", WEATHER)),
          entry("It is 10:14.", "[user] What is the time now?", "<tool_response>\n10:14"),
          entry(call("get_current_time", ""), "[user] What is the time now?"),
          new Entry(
              List.of("How warm is it in the capital of France?", "20 degrees"),
              List.of("It is 20 degrees in Paris.", "{\"city\": \"Paris\", \"degrees\": 20}")),
          entry(
              call("temperature", "\"city\":\"Paris\""),
              "How warm is it in the capital of France?",
              "Paris"),
          entry(
              call("capital", "\"country\":\"France\""),
              "How warm is it in the capital of France?"),
          new Entry(
              List.of("Ada Lovelace"),
              List.of("She was 36.", "{\"name\": \"Ada Lovelace\", \"age\": 36}")),
          entry("4.", "[user] How much is twice two?", "</think>"),
          entry("<think>\nTwo and two.\n</think>\n\n4.", "[user] How much is twice two?"),
          entry("Hi. ".repeat(25), "[user] hi"));

  private Script() {}

  /**
   * Returns the answers to a prompt, the likeliest first.
   *
   * @throws IllegalStateException if the script has none
   */
  static List<String> answers(String prompt) {
    return ENTRIES.stream()
        .filter(entry -> entry.prompt.stream().allMatch(prompt::contains))
        .map(Entry::answers)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no answer to: " + prompt));
  }

  private static Entry entry(String answer, String... prompt) {
    return new Entry(List.of(prompt), List.of(answer));
  }

  private static String call(String name, String arguments) {
    return """
    <tool_call>
    {"name": "%s", "arguments": {%s}}
    </tool_call>\
    """
        .formatted(name, arguments);
  }
}
