package dev.s3llm.text.testing;

import java.util.List;

/**
 * Answers for {@link ScriptedAnswers}, by texts that the prompt has.
 *
 * @param entries the first one whose texts the prompt all has gives the answers
 */
public record AnswerScript(List<Entry> entries) {
  /**
   * Answers to the prompts that have some texts.
   *
   * @param prompt the texts
   * @param answers the answers, the likeliest first
   */
  public record Entry(List<String> prompt, List<String> answers) {}

  /**
   * Returns the answers to a prompt, the likeliest first.
   *
   * @throws IllegalStateException if the script has none
   */
  public List<String> answers(String prompt) {
    return entries.stream()
        .filter(entry -> entry.prompt.stream().allMatch(prompt::contains))
        .map(Entry::answers)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no answer to: " + prompt));
  }

  /** Returns an entry with one answer. */
  public static Entry entry(String answer, String... prompt) {
    return new Entry(List.of(prompt), List.of(answer));
  }

  /**
   * Returns a call of a tool as Hermes and Qwen write it.
   *
   * @param arguments fields of a JSON object
   */
  public static String call(String name, String arguments) {
    return """
    <tool_call>
    {"name": "%s", "arguments": {%s}}
    </tool_call>\
    """
        .formatted(name, arguments);
  }
}
