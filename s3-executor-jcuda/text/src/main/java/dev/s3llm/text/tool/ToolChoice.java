package dev.s3llm.text.tool;

import com.google.common.base.Preconditions;
import java.util.Objects;
import java.util.Optional;

/**
 * Which tools an answer may or must call.
 *
 * @param mode the rule
 * @param function the name of the function that {@link Mode#FUNCTION} requires; empty otherwise
 */
public record ToolChoice(Mode mode, Optional<String> function) {
  /** The rules. */
  public enum Mode {
    /** No tool: the model does not see the tools. */
    NONE,
    /** The model decides. */
    AUTO,
    /** At least one call of any tool, and nothing else. */
    REQUIRED,
    /** One call of a certain function, and nothing else. */
    FUNCTION
  }

  private static final ToolChoice HIDDEN = new ToolChoice(Mode.NONE, Optional.empty());
  private static final ToolChoice FREE = new ToolChoice(Mode.AUTO, Optional.empty());
  private static final ToolChoice ANY = new ToolChoice(Mode.REQUIRED, Optional.empty());

  /**
   * Creates a choice.
   *
   * @throws NullPointerException if a component is null
   * @throws IllegalArgumentException if there is a function in another mode than FUNCTION, or none
   *     in FUNCTION
   */
  public ToolChoice {
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(function, "function");
    Preconditions.checkArgument(
        (mode == Mode.FUNCTION) == function.isPresent(),
        "a tool choice %s must %s a function",
        mode,
        mode == Mode.FUNCTION ? "name" : "not name");
  }

  /** Returns the choice without tools. */
  public static ToolChoice none() {
    return HIDDEN;
  }

  /** Returns the choice of the model: content, or calls, or both. */
  public static ToolChoice auto() {
    return FREE;
  }

  /** Returns the choice of at least one call. */
  public static ToolChoice required() {
    return ANY;
  }

  /**
   * Returns the choice of one call of one function.
   *
   * @param name the name of a function of the conversation's tools
   * @throws NullPointerException if the name is null
   */
  public static ToolChoice function(String name) {
    return new ToolChoice(Mode.FUNCTION, Optional.of(name));
  }

  /** Returns whether an answer must call a tool. */
  public boolean isForced() {
    return mode == Mode.REQUIRED || mode == Mode.FUNCTION;
  }
}
