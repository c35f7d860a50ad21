package dev.s3llm.text.tool;

/**
 * How a model writes calls of tools and reasoning. The format of a model follows from its chat
 * template; a request may set another one.
 *
 * <p>Every format but {@link #RAW} and {@link #HARMONY} also accepts an answer that is one JSON
 * object with the name of a function and its arguments, alone or in a fenced block.
 */
public enum AnswerFormat {
  /** The text as it is: neither calls nor reasoning. */
  RAW,
  /** The whole answer is a JSON object {@code {"name": …, "arguments": …}}, or a list of them. */
  JSON,
  /**
   * Llama 3: {@code {"name": …, "parameters": …}} at the start of a line, also after {@code
   * <|python_tag|>}; several are separated by semicolons.
   */
  LLAMA_JSON,
  /**
   * Hermes, Qwen and others: {@code <tool_call>…</tool_call>} around a JSON object, or around the
   * tags {@code <function=…>} and {@code <parameter=…>}, or around {@code <arg_key>} and {@code
   * <arg_value>}.
   */
  HERMES,
  /** Mistral: {@code [TOOL_CALLS]} and a list of JSON objects, or a name, [ARGS] and arguments. */
  MISTRAL,
  /** Llama 3.2 and 4 and others: a Python list of calls, {@code [f(a=1), g(b="x")]}. */
  PYTHONIC,
  /** gpt-oss: channels {@code analysis}, {@code commentary} and {@code final}. */
  HARMONY,
  /** DeepSeek: calls between {@code <｜tool▁call▁begin｜>} and {@code <｜tool▁call▁end｜>}. */
  DEEPSEEK,
  /** Kimi: calls between {@code <|tool_call_begin|>} and {@code <|tool_call_end|>}. */
  KIMI,
  /** Phi and Granite: {@code <|tool_call|>} and a list of JSON objects. */
  PHI,
  /** Cohere: a list of JSON objects after {@code <|START_ACTION|>}. */
  COHERE
}
