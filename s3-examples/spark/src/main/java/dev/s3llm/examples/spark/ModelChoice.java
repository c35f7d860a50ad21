package dev.s3llm.examples.spark;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.ChatMessage;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;

/**
 * The model of a job.
 *
 * @param path a Hugging Face folder or GGUF file that every executor can read; empty for the
 *     embedded model
 * @param lengthFolder the folder of a length model; empty for the embedded length model, or for
 *     none with another model
 * @param chat whether the model's chat template frames each prompt as a user's message
 */
record ModelChoice(String path, String lengthFolder, boolean chat) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The embedded model. */
  static final ModelChoice SMALL = new ModelChoice("", "", false);

  /** Returns the model's folder or file; unpacks the embedded model. */
  Path open() {
    return path.isEmpty() ? SmallModel.unpack() : Path.of(path);
  }

  /** Returns whether there is a length model. */
  boolean predictsLengths() {
    return path.isEmpty() || !lengthFolder.isEmpty();
  }

  /** Returns the folder of the length model; unpacks the embedded one. */
  Path openLengthModel() {
    return lengthFolder.isEmpty() ? SmallModel.unpackLengthModel() : Path.of(lengthFolder);
  }

  /** Returns the conversation for a prompt that the chat template frames. */
  static List<ChatMessage> conversation(String prompt) {
    return List.of(ChatMessage.user(prompt));
  }
}
