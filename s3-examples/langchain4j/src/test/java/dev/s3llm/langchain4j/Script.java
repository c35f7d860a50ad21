package dev.s3llm.langchain4j;

import static dev.s3llm.text.testing.AnswerScript.call;
import static dev.s3llm.text.testing.AnswerScript.entry;

import dev.s3llm.text.testing.AnswerScript;
import dev.s3llm.text.testing.AnswerScript.Entry;
import java.util.List;

/** Answers to the prompts of LangChain4j's tests and of this module's tests. */
final class Script {
  private static final String WEATHER = call("getWeather", "\"city\":\"Munich\"");
  private static final String TIME = call("getTime", "\"country\":\"France\"");

  private static final AnswerScript SCRIPT =
      script(
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
    return SCRIPT.answers(prompt);
  }

  private static AnswerScript script(Entry... entries) {
    return new AnswerScript(List.of(entries));
  }
}
