package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.examples.model.SmallModel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Which model is served.
 *
 * @param name what clients call it
 * @param model its folder
 * @param lengthModel folder of the classifier that predicts how long its answers are, if there is
 *     one
 */
public record ModelFolders(String name, Path model, @Nullable Path lengthModel) {

  /** The model that the properties name, or the embedded one. */
  static ModelFolders of(S3Properties properties) {
    Path model = properties.model();
    String name = properties.modelName();
    if (model != null) {
      Path folder = model.toAbsolutePath().normalize().getFileName();
      String byDefault = folder == null ? "model" : folder.toString();
      return new ModelFolders(name == null ? byDefault : name, model, properties.lengthModel());
    }
    Path lengths = properties.lengthModel();
    return new ModelFolders(
        name == null ? "s3-small" : name,
        SmallModel.unpack(),
        lengths == null ? SmallModel.unpackLengthModel() : lengths);
  }
}
