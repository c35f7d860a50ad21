package dev.s3llm.springai;

import static dev.s3llm.text.testing.AnswerScript.call;
import static dev.s3llm.text.testing.AnswerScript.entry;

import dev.s3llm.text.testing.AnswerScript;
import dev.s3llm.text.testing.AnswerScript.Entry;
import java.util.List;

/** Answers to the prompts of Spring AI's tests and of this module's tests. */
final class Script {
  private static final String WARM = "How warm is it in the capital of France?";

  private static final AnswerScript SCRIPT =
      script(
          entry("30 in San Francisco, 10 in Tokyo and 15 in Paris.", "30.0", "10.0", "15.0"),
          entry(
              weather("San Francisco") + "\n" + weather("Tokyo") + "\n" + weather("Paris"),
              "San Francisco, Tokyo, and Paris"),
          entry(weather("Tokyo"), "in Tokyo?"),
          new Entry(
              List.of(WARM, "20 degrees"),
              List.of("It is 20 degrees in Paris.", "{\"city\": \"Paris\", \"degrees\": 20}")),
          entry(call("temperature", "\"city\":\"Paris\""), WARM, "Paris"),
          entry(call("capital", "\"country\":\"France\""), WARM),
          new Entry(
              List.of("Ada Lovelace and Alan Turing"),
              List.of(
                  "They were old.",
                  "[{\"age\": 36, \"name\": \"Ada Lovelace\"}, "
                      + "{\"age\": 41, \"name\": \"Alan Turing\"}]")),
          new Entry(
              List.of("Ada Lovelace"),
              List.of("She was 36.", "{\"age\": 36, \"name\": \"Ada Lovelace\"}")),
          entry("red, green, blue", "Name three colours."),
          entry("{\"red\": 1, \"green\": 2}", "Number two colours."),
          entry("Your name is Ann.", "[user] I am Ann.", "[user] What is my name?"),
          entry("Hello Ann.", "[user] I am Ann."),
          entry("It was two and two.", "[assistant] 4.(Two and two.)", "[user] Why?"),
          entry("4.", "[user] How much is twice two?", "</think>"),
          entry("<think>\nTwo and two.\n</think>\n\n4.", "[user] How much is twice two?"),
          entry("There was a cat. ".repeat(40), "[user] Tell me a long story"));

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

  private static String weather(String city) {
    return call(
        "getCurrentWeather",
        "\"location\":\"%s\",\"lat\":1.5,\"lon\":2.5,\"unit\":\"C\"".formatted(city));
  }
}
