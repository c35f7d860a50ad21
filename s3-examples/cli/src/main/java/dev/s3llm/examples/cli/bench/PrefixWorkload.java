package dev.s3llm.examples.cli.bench;

import java.util.Arrays;
import java.util.Random;

/**
 * Made-up work whose prompts begin alike: sessions of some calls each, of which each prompt has the
 * one before it, its answer and new tokens. All sessions begin with the same tokens.
 *
 * @param name name on the command line
 * @param sessions sessions that run at the same time, at least 1
 * @param calls calls of a session, one after the other, at least 1
 * @param common tokens with which all prompts begin, 0 or more
 * @param first tokens of the first prompt after those, at least 1
 * @param more new tokens of each later prompt, at least 1
 * @param answer tokens of each answer, at least 1
 */
record PrefixWorkload(
    String name, int sessions, int calls, int common, int first, int more, int answer) {

  /** One system prompt of 2,000 tokens, 200 users. */
  static final PrefixWorkload SYSTEM_PROMPT =
      new PrefixWorkload("system-prompt", 200, 1, 2000, 50, 1, 64);

  /** Conversations of 10 turns. */
  static final PrefixWorkload CONVERSATION =
      new PrefixWorkload("conversation", 40, 10, 200, 50, 50, 64);

  /** The loop of an agent: 50 calls, each 500 tokens longer than the one before. */
  static final PrefixWorkload AGENT = new PrefixWorkload("agent", 1, 50, 1000, 100, 450, 50);

  /**
   * Returns the same work at a smaller size.
   *
   * @param divisor by which sessions, calls and common tokens are divided, at least 1
   */
  PrefixWorkload smaller(int divisor) {
    return new PrefixWorkload(
        name,
        Math.max(1, sessions / divisor),
        Math.max(Math.min(2, calls), calls / divisor),
        common / divisor,
        first,
        more,
        answer);
  }

  /** Returns the most tokens of a sequence, prompt and answer. */
  int longest() {
    return common + first + (calls - 1) * (more + answer) + answer;
  }

  /**
   * Returns the prompt of a session's first call.
   *
   * @param session number of the session, from 0
   * @param vocabulary number of token ids
   */
  int[] firstPrompt(int session, int vocabulary) {
    int[] prompt = Arrays.copyOf(tokens(-1, common, vocabulary), common + first);
    System.arraycopy(tokens(session, first, vocabulary), 0, prompt, common, first);
    return prompt;
  }

  /**
   * Returns the prompt of a session's next call.
   *
   * @param before the prompt before
   * @param answered its answer
   * @param call number of the next call, from 1
   * @param vocabulary number of token ids
   */
  int[] nextPrompt(int[] before, int[] answered, int call, int vocabulary) {
    int known = before.length + answered.length;
    int[] prompt = Arrays.copyOf(before, known + more);
    System.arraycopy(answered, 0, prompt, before.length, answered.length);
    System.arraycopy(tokens(1_000_000 + call, more, vocabulary), 0, prompt, known, more);
    return prompt;
  }

  private static int[] tokens(int seed, int count, int vocabulary) {
    return new Random(seed).ints(count, 3, vocabulary).toArray();
  }
}
