package dev.s3llm.text;

import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Finds out whether a template separates the turns of a conversation by added tokens. It renders a
 * small conversation and reads what the template writes between the contents: there must be a token
 * that no message can spell, since messages are encoded without added tokens.
 */
final class FrameProbe {
  private static final String QUESTION = "qzxquestion";
  private static final String ANSWER = "qzxanswer";
  private static final String NEXT = "qzxnext";
  private static final List<ChatMessage> TALK =
      List.of(ChatMessage.user(QUESTION), ChatMessage.assistant(ANSWER), ChatMessage.user(NEXT));

  private final RenderedPrompt prompt;
  private final Predicate<String> holdsToken;

  private FrameProbe(RenderedPrompt prompt, Predicate<String> holdsToken) {
    this.prompt = prompt;
    this.holdsToken = holdsToken;
  }

  /**
   * Returns whether a boundary between two turns is plain text.
   *
   * @param template renders the probe
   * @param addedTokens texts of the tokenizer's added tokens; if none are known, false is returned
   */
  static boolean isPlainText(ChatTemplate template, Set<String> addedTokens) {
    if (addedTokens.isEmpty()) {
      return false;
    }
    List<String> tokens = addedTokens.stream().filter(token -> !token.isBlank()).toList();
    try {
      RenderedPrompt prompt = template.prompt(Conversation.of(TALK));
      return new FrameProbe(prompt, own -> tokens.stream().anyMatch(own::contains)).isPlainText();
    } catch (ChatTemplateException e) {
      return false; // a template for other conversations, of which nothing is known
    }
  }

  private boolean isPlainText() {
    String text = prompt.text();
    int question = text.indexOf(QUESTION);
    int answer = text.indexOf(ANSWER);
    int next = text.lastIndexOf(NEXT);
    if (question < 0 || answer < question || next < answer) {
      return false; // the template rewrites the messages
    }
    return !(holdsToken(question + QUESTION.length(), answer)
        && holdsToken(answer + ANSWER.length(), next)
        && holdsToken(next + NEXT.length(), text.length()));
  }

  /** Returns whether the template wrote an added token within a range. */
  private boolean holdsToken(int start, int end) {
    int from = start;
    for (int i = 0; i < prompt.foreignStarts().length; i++) {
      int gapEnd = Math.min(end, prompt.foreignStarts()[i]);
      if (from < gapEnd && holdsToken.test(prompt.text().substring(from, gapEnd))) {
        return true;
      }
      from = Math.max(from, prompt.foreignEnds()[i]);
    }
    return from < end && holdsToken.test(prompt.text().substring(from, end));
  }
}
