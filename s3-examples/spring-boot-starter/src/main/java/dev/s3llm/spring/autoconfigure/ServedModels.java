package dev.s3llm.spring.autoconfigure;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.onnx.HiddenStatePredictor;
import dev.s3llm.onnx.LengthModelException;
import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.spring.S3StartException;
import dev.s3llm.spring.ServedModel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.ClassUtils;

/** Finds the model and the length predictor that the properties name. */
final class ServedModels {
  private static final Logger log = LoggerFactory.getLogger(ServedModels.class);
  private static final String SMALL_MODEL = "dev.s3llm.examples.model.SmallModel";
  private static final String ONNX = "dev.s3llm.onnx.OnnxLengthPredictor";

  private final @Nullable ClassLoader classes;

  /** Creates a finder that uses optional modules if this class loader has them. */
  ServedModels(@Nullable ClassLoader classes) {
    this.classes = classes;
  }

  ServedModel find(S3ModelProperties properties) {
    Path model = properties.model();
    if (model != null) {
      return new ServedModel(
          name(properties, pathName(model)),
          model,
          properties.lengthModel(),
          properties.lengthHead(),
          false);
    }
    if (!isPresent(SMALL_MODEL)) {
      throw new S3StartException(
          "no model is configured",
          "Set s3llm.model to a model folder or a .gguf file, or add the dependency"
              + " dev.s3llm:s3-example-small-model for a toy model to try.");
    }
    return Small.model(properties, isPresent(ONNX));
  }

  /** Returns the name of a folder, or that of a GGUF file without its suffix. */
  private static String pathName(Path model) {
    Path last = model.toAbsolutePath().normalize().getFileName();
    String name = last == null ? "model" : last.toString();
    return ModelFiles.isGguf(model) ? name.substring(0, name.lastIndexOf('.')) : name;
  }

  private static String name(S3ModelProperties properties, String byDefault) {
    String name = properties.modelName();
    return name == null ? byDefault : name;
  }

  /** Returns the predictor of a model, with its head if it has one. */
  LengthPredictor predictor(ServedModel model) {
    LengthPredictor ofPrompts = ofPrompts(model.lengthModel());
    Path head = model.lengthHead();
    if (head == null) {
      return ofPrompts;
    }
    requireOnnx("a length head", "s3llm.length-head");
    return Onnx.head(head, model.folder()).build(ofPrompts);
  }

  private LengthPredictor ofPrompts(@Nullable Path lengthModel) {
    if (lengthModel == null) {
      return new HintedPredictor(new EmpiricalLengthPredictor());
    }
    requireOnnx("a length model", "s3llm.length-model");
    return Onnx.predictor(lengthModel);
  }

  /** Returns the layer whose hidden states the executor returns; 0 for none. */
  int featureLayer(ServedModel model) {
    Path head = model.lengthHead();
    if (head == null) {
      return 0;
    }
    requireOnnx("a length head", "s3llm.length-head");
    return Onnx.head(head, model.folder()).layer();
  }

  private void requireOnnx(String what, String property) {
    if (!isPresent(ONNX)) {
      throw new S3StartException(
          what + " needs the module s3-predictor-onnx",
          "Add the dependency dev.s3llm:s3-predictor-onnx, or remove " + property + ".");
    }
  }

  private boolean isPresent(String type) {
    return ClassUtils.isPresent(type, classes);
  }

  /** Apart, so that the class is loaded only where the small model is there. */
  private static final class Small {
    static ServedModel model(S3ModelProperties properties, boolean onnx) {
      log.warn(
          "{}; set s3llm.model to a model folder or a .gguf file for a real one",
          SmallModel.NOTICE);
      Path lengths = properties.lengthModel();
      return new ServedModel(
          name(properties, "s3-small"),
          SmallModel.unpack(),
          lengths == null && onnx ? SmallModel.unpackLengthModel() : lengths,
          properties.lengthHead(),
          true);
    }
  }

  /** Apart, so that the class is loaded only where ONNX Runtime is there. */
  private static final class Onnx {
    static LengthPredictor predictor(Path lengthModel) {
      return new CalibratedPredictor(OnnxLengthPredictor.load(lengthModel));
    }

    static HiddenStatePredictor.Builder head(Path head, Path model) {
      try {
        return HiddenStatePredictor.builder(head).requireModel(model);
      } catch (LengthModelException e) {
        throw new S3StartException(
            "s3llm.length-head: " + e.getMessage(),
            "Set s3llm.length-head to a head that was trained for this model, or remove it.");
      }
    }
  }
}
