package dev.s3llm.examples.spark;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.template.ChatMessage;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;

/**
 * The model that a job runs.
 *
 * @param folder a Hugging Face folder that every executor can read; empty for the embedded model
 * @param lengthFolder the folder of the model that predicts lengths; empty for that of the embedded
 *     model, or for none if another model runs
 * @param chat whether a prompt is a user's message that the model's chat template frames
 */
record ModelChoice(String folder, String lengthFolder, boolean chat) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The embedded model. */
  static final ModelChoice SMALL = new ModelChoice("", "", false);

  Path open() {
    return folder.isEmpty() ? SmallModel.unpack() : Path.of(folder);
  }

  /** Whether lengths are predicted from prompts. */
  boolean predictsLengths() {
    return folder.isEmpty() || !lengthFolder.isEmpty();
  }

  Path openLengthModel() {
    return lengthFolder.isEmpty() ? SmallModel.unpackLengthModel() : Path.of(lengthFolder);
  }

  /** The conversation of a prompt, where the model has conversations. */
  static List<ChatMessage> conversation(String prompt) {
    return List.of(ChatMessage.user(prompt));
  }
}
