package dev.s3llm.model.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.SafetensorsFile;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFiles;
import dev.s3llm.model.testing.CodedFloats;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantised folders decode to the references; see {@code src/test/reference/quant.py}. */
class QuantizedTensorsTest {
  private static final int ROWS = 24;
  private static final int WIDTH = 64;
  private static final String MATRIX = "model.layers.0.mlp.up_proj.weight";
  private static final String NORM = "model.norm.weight";

  @TempDir Path temporary;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gptq4",
        "gptq4-order",
        "gptq4-act",
        "gptq4-v2",
        "gptq8",
        "gptq8-whole",
        "awq4",
        "bnb-int8",
        "bnb-nf4",
        "bnb-nf4-nested",
        "bnb-fp4",
        "fp8-blocks",
        "fp8-channel",
        "fp8-tensor",
        "fp8-e5m2",
        "ct-pack4",
        "ct-pack4-zeros",
        "ct-pack8",
        "ct-int8",
        "ct-fp8"
      })
  void quantisedMatrix_decodesToTheReference(String name) throws Exception {
    try (TensorSource tensors = open(name);
        SafetensorsFile decoded =
            SafetensorsFile.open(folder(name).resolve("decoded.safetensors"))) {
      assertThat(tensors.names()).containsExactlyInAnyOrder(MATRIX, NORM);
      assertThat(tensors.contains(MATRIX)).isTrue();
      Tensor matrix = tensors.tensor(MATRIX, ROWS, WIDTH);
      float[] expected = decoded.tensor(MATRIX, ROWS, WIDTH).floats();
      assertThat(matrix.floats()).usingComparatorWithPrecision(0f).containsExactly(expected);
      ByteBuffer within = matrix.slice(WIDTH + 5, 2 * WIDTH);
      for (int i = 0; i < 2 * WIDTH; i++) {
        assertThat(within.getFloat(4 * i)).as("element %d", i).isEqualTo(expected[WIDTH + 5 + i]);
      }
      assertThat(tensors.tensor(NORM, WIDTH).floats())
          .containsExactly(decoded.tensor(NORM, WIDTH).floats());
      assertThatThrownBy(() -> tensors.tensor(MATRIX, WIDTH, ROWS))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("up_proj.weight has shape [24, 64], but the configuration needs");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gptq4-v2, UNSIGNED_4, 32, ZERO",
    "gptq4-act, UNSIGNED_4, 32, ZERO",
    "awq4, UNSIGNED_4, 32, ZERO",
    "bnb-int8, SIGNED_8, 64, NONE",
    "fp8-channel, E4M3, 64, NONE",
    "fp8-tensor, E4M3, 64, NONE",
    "ct-pack8, SIGNED_8, 64, NONE",
    "ct-fp8, E4M3, 64, NONE"
  })
  void codes_giveTheElements(String name, Codes.Kind kind, int group, Codes.Second second)
      throws Exception {
    try (TensorSource tensors = open(name)) {
      Tensor matrix = tensors.tensor(MATRIX, ROWS, WIDTH);
      assertThat(matrix.codes().orElseThrow().format())
          .isEqualTo(new Codes.Format(kind, group, second));
      Tensor part = matrix.part("part", 3 * WIDTH, 8 * WIDTH);
      float[] expected = part.floats();
      float[] coded = CodedFloats.of(part, WIDTH);
      for (int i = 0; i < expected.length; i++) {
        assertThat(coded[i]).as("element %d", i).isCloseTo(expected[i], withinPercentage(1e-4));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fp8-tensor | {'quant_method':'fp8'} | ROW | Infinity",
        "fp8-channel | {'quant_method':'fp8','activation_scheme':'static'} | none | 0",
        "fp8-channel | {'quant_method':'fbgemm_fp8','activation_scale_ub':1200.0} | ROW | 1200",
        "fp8-blocks | {'quant_method':'fp8','weight_block_size':[16,32]} | none | 0",
        "ct-fp8 | {'type':'float','num_bits':8,'strategy':'token','dynamic':true} | ROW | Infinity",
        "ct-fp8 | {'type':'float','num_bits':8,'strategy':'tensor','dynamic':true} | ROW | Infinity",
        "ct-fp8 | {'type':'float','num_bits':8,'strategy':'group','group_size':128,'dynamic':true}"
            + " | GROUP | Infinity",
        "ct-fp8 | {'type':'float','num_bits':8,'strategy':'group','group_size':64,'dynamic':true}"
            + " | none | 0",
        "ct-fp8 | {'type':'int','num_bits':8,'strategy':'token','dynamic':true} | none | 0",
        "ct-fp8 | null | none | 0",
      })
  void inputs_areAsTheConfigurationSays(String name, String config, String scaling, float value)
      throws Exception {
    String whole =
        config.contains("quant_method")
            ? config
            : "{'quant_method':'compressed-tensors','format':'float-quantized','config_groups':{'a':"
                + "{'weights':{'num_bits':8,'type':'float','strategy':'channel'},"
                + "'input_activations':%s}}}".formatted(config);
    JsonNode json = json("{'quantization_config':%s}".formatted(whole));
    try (TensorSource tensors =
        QuantizedTensors.of(WeightFiles.open(folder(name)), "config.json", json)) {
      Optional<RoundedInput> expected =
          scaling.equals("none")
              ? Optional.empty()
              : Optional.of(new RoundedInput(RoundedInput.Scaling.valueOf(scaling), value));
      Tensor matrix = tensors.tensor(MATRIX, ROWS, WIDTH);
      assertThat(matrix.codes().orElseThrow().input()).isEqualTo(expected);
      assertThat(matrix.part("part", 0, 8 * WIDTH).codes().orElseThrow().input())
          .isEqualTo(expected);
    }
  }

  @Test
  void measuredScaleOfAnInput_isRead() throws Exception {
    JsonNode json =
        json("{'quantization_config':{'quant_method':'fp8','activation_scheme':'static'}}");
    String scale = MATRIX.replace("weight", "input_scale");
    copyWith("fp8-channel", scale, 0.25f);
    try (TensorSource tensors =
        QuantizedTensors.of(WeightFiles.open(temporary), "config.json", json)) {
      assertThat(tensors.names()).containsExactlyInAnyOrder(MATRIX, NORM);
      assertThat(tensors.tensor(MATRIX, ROWS, WIDTH).codes().orElseThrow().input())
          .contains(RoundedInput.fixed(0.25f));
    }
    copyWith("fp8-channel", scale, 0);
    try (TensorSource tensors =
        QuantizedTensors.of(WeightFiles.open(temporary), "config.json", json)) {
      assertThatThrownBy(() -> tensors.tensor(MATRIX, ROWS, WIDTH))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("input_scale is 0.0, but must be positive and finite");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gptq4",
        "gptq4-order",
        "gptq4-act",
        "gptq4-v2",
        "gptq8-whole",
        "awq4",
        "bnb-nf4-nested",
        "fp8-blocks",
        "ct-pack4-zeros"
      })
  void columns_areThoseOfTheMatrix(String name) throws Exception {
    try (TensorSource tensors = open(name)) {
      Tensor matrix = tensors.tensor(MATRIX, ROWS, WIDTH);
      float[] all = matrix.floats();
      for (int from = 0; from < WIDTH; from += 32) {
        Tensor part = matrix.columns("part", WIDTH, from, from + 32);
        float[] own = part.floats();
        for (int i = 0; i < own.length; i++) {
          assertThat(own[i]).isEqualTo(all[i / 32 * WIDTH + from + i % 32]);
        }
        boolean inOrder = matrix.codes().filter(codes -> codes.order().isEmpty()).isPresent();
        assertThat(part.codes().isPresent()).isEqualTo(inOrder);
        if (part.codes().isPresent()) {
          Tensor rows = part.part("rows", 5 * 32, 7 * 32);
          assertThat(CodedFloats.of(rows, 32)).containsExactly(rows.floats(), within(1e-4f));
        }
      }
    }
  }

  /** What shares a scale shares it in both parts. */
  @ParameterizedTest
  @ValueSource(
      strings = {"gptq4-v2", "awq4", "bnb-int8", "fp8-channel", "fp8-tensor", "ct-pack8", "ct-fp8"})
  void columnsInsideAGroup_haveSmallerGroups(String name) throws Exception {
    try (TensorSource tensors = open(name)) {
      Tensor matrix = tensors.tensor(MATRIX, ROWS, WIDTH);
      Codes.Format whole = matrix.codes().orElseThrow().format();
      float[] all = CodedFloats.of(matrix, WIDTH);
      for (int from = 0; from < WIDTH; from += 32) {
        Tensor half = matrix.columns("half", WIDTH, from, from + 32);
        assertThat(half.codes().orElseThrow().format())
            .isEqualTo(new Codes.Format(whole.kind(), 32, whole.second()));
        float[] own = CodedFloats.of(half, 32);
        for (int i = 0; i < own.length; i++) {
          assertThat(own[i]).isEqualTo(all[i / 32 * WIDTH + from + i % 32]);
        }
      }
    }
  }

  @Test
  void columnsThatNoGroupFits_areRefused() throws Exception {
    try (TensorSource tensors = open("awq4")) {
      Tensor matrix = tensors.tensor(MATRIX, ROWS, WIDTH);
      assertThatThrownBy(() -> matrix.columns("part", WIDTH, 16, 64))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageEndingWith(
              "columns 16 to 64 of 64 would cut a group of 32 elements that share a scale");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gptq4", "gptq4-order", "gptq8", "bnb-nf4", "fp8-e5m2", "ct-pack4", "ct-int8"})
  void groupsThatKernelsCannotRead_haveNoCodes(String name) throws Exception {
    try (TensorSource tensors = open(name)) {
      assertThat(tensors.tensor(MATRIX, ROWS, WIDTH).codes()).isEmpty();
    }
  }

  @Test
  void mxfp4Experts_areApartAndKeepTheirBlocks() throws Exception {
    try (TensorSource tensors = open("mxfp4");
        SafetensorsFile decoded =
            SafetensorsFile.open(folder("mxfp4").resolve("decoded.safetensors"))) {
      List<String> names = new ArrayList<>();
      decoded.names().forEach(names::add);
      assertThat(tensors.names())
          .containsAll(names)
          .contains("model.layers.0.mlp.experts.down_proj_bias")
          .hasSize(names.size() + 2);
      names.remove(NORM);
      for (String name : names) {
        int rows = name.contains("down") ? 32 : 16;
        Tensor own = tensors.tensor(name, rows, WIDTH);
        assertThat(own.type()).isEqualTo(ElementType.MXFP4);
        assertThat(own.floats())
            .usingComparatorWithPrecision(0f)
            .containsExactly(decoded.tensor(name, rows, WIDTH).floats());
        assertThat(own.slice(32, 128).remaining()).isEqualTo(4 * 17);
      }
    }
  }

  @Test
  void folderWithoutQuantisation_isReadAsItIs() throws Exception {
    try (WeightFiles files = WeightFiles.open(folder("awq4"))) {
      assertThat(QuantizedTensors.of(files, "config.json", json("{}"))).isSameAs(files);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'quant_method':'hqq'} | quant_method is hqq, which is not supported; supported: awq,"
            + " bits",
        "{} | quantization_config.quant_method is missing",
        "{'quant_method':'gptq','bits':3,'group_size':128} | bits is 3, which is not supported; su",
        "{'quant_method':'gptq','bits':4,'group_size':0} | group_size is 0",
        "{'quant_method':'gptq','bits':4,'group_size':8,'checkpoint_format':'marlin'} | is marlin",
        "{'quant_method':'gptq','bits':4,'group_size':8,'dynamic':{'.*up.*':{'bits':8}}} | dynamic",
        "{'quant_method':'awq','bits':4,'group_size':128,'version':'gemv'} | version is gemv",
        "{'quant_method':'awq','bits':8,'group_size':128} | bits is 8, which is not supported; su",
        "{'quant_method':'bitsandbytes','load_in_4bit':true,'bnb_4bit_quant_type':'int4'} | int4",
        "{'quant_method':'compressed-tensors','format':'marlin-24','config_groups':{'a':{'weights':"
            + "{'num_bits':4,'strategy':'channel'}}}} | format is marlin-24",
        "{'quant_method':'compressed-tensors','format':'pack-quantized','config_groups':{'a':"
            + "{'weights':{'num_bits':2,'strategy':'channel'}}}} | int of 4 or 8 bits",
        "{'quant_method':'compressed-tensors','config_groups':{}} | 0 ways",
        "{'quant_method':'compressed-tensors','sparsity_config':{'format':'sparse-24-bitmask'}} |"
            + " sp",
      })
  void wayThatIsNotSupported_isNamed(String config, String message) throws Exception {
    try (WeightFiles files = WeightFiles.open(folder("awq4"))) {
      String whole = "{'quantization_config':%s}".formatted(config);
      assertThatThrownBy(() -> QuantizedTensors.of(files, "config.json", json(whole)))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageStartingWith("config.json: quantization_config.")
          .hasMessageContaining(message);
    }
  }

  @Test
  void configurationOfAnotherWay_isFoundOutByTheParts() throws Exception {
    try (WeightFiles files = WeightFiles.open(folder("gptq8"))) {
      String config = "{'quantization_config':{'quant_method':'gptq','bits':4,'group_size':32}}";
      TensorSource tensors = QuantizedTensors.of(files, "config.json", json(config));
      assertThatThrownBy(() -> tensors.tensor(MATRIX, ROWS, WIDTH))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("up_proj.qzeros has shape [2, 6], but must have [4, 3]");
    }
  }

  @Test
  void wayThatIsNotSupported_isRefusedWithoutWeights() throws Exception {
    JsonNode unknown = json("{'quantization_config':{'quant_method':'hqq'}}");
    assertThatThrownBy(() -> QuantizedTensors.requireSupported("config.json", unknown))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("quant_method is hqq");
    QuantizedTensors.requireSupported("config.json", json("{}"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void biasOfZeros_needNotBeRead(boolean zero) throws Exception {
    Path copy = copyWith("gptq4", MATRIX.replace("weight", "bias"), zero ? 0f : 1f);
    JsonNode config = new ObjectMapper().readTree(folder("gptq4").resolve("config.json").toFile());
    try (TensorSource tensors =
        QuantizedTensors.of(WeightFiles.open(copy), "config.json", config)) {
      String bias = MATRIX.replace("weight", "bias");
      assertThat(tensors.names().contains(bias)).isEqualTo(!zero);
      assertThat(tensors.contains(bias)).isTrue();
      assertThat(tensors.tensor(bias, 1).floats()).containsExactly(zero ? 0f : 1f);
    }
  }

  /** Copies a folder's weights, with a tensor of one element behind them. */
  private Path copyWith(String folder, String name, float value) throws Exception {
    byte[] whole = Files.readAllBytes(folder(folder).resolve("model.safetensors"));
    ByteBuffer old = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
    int headerBytes = (int) old.getLong(0);
    int dataBytes = whole.length - 8 - headerBytes;
    String header = new String(whole, 8, headerBytes, StandardCharsets.UTF_8).strip();
    String tensor =
        ",\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}}"
            .formatted(name, dataBytes, dataBytes + 4);
    byte[] json =
        (header.substring(0, header.length() - 1) + tensor).getBytes(StandardCharsets.UTF_8);
    ByteBuffer all =
        ByteBuffer.allocate(8 + json.length + dataBytes + 4).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(json.length).put(json).put(whole, 8 + headerBytes, dataBytes).putFloat(value);
    Files.write(temporary.resolve("model.safetensors"), all.array());
    return temporary;
  }

  /** Damaged folders are read or refused. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "gptq4-order",
        "awq4",
        "bnb-int8",
        "bnb-nf4-nested",
        "fp8-blocks",
        "ct-pack4-zeros",
        "ct-int8",
        "mxfp4"
      })
  void changedBytes_areReadOrRefused(String name) throws Exception {
    byte[] whole = Files.readAllBytes(folder(name).resolve("model.safetensors"));
    JsonNode config = new ObjectMapper().readTree(folder(name).resolve("config.json").toFile());
    int header = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    Random random = new Random(3);
    for (int i = 0; i < 60; i++) {
      byte[] content = whole.clone();
      int at = random.nextInt(i % 3 == 0 ? content.length : header + 8);
      content[at] = (byte) (i % 2 == 0 ? random.nextInt() : '0' + random.nextInt(10));
      Files.write(temporary.resolve("model.safetensors"), content);
      readOrRefuse(config);
    }
  }

  private void readOrRefuse(JsonNode config) {
    try (WeightFiles files = WeightFiles.open(temporary)) {
      TensorSource tensors = QuantizedTensors.of(files, "config.json", config);
      for (String name : tensors.names()) {
        boolean vector = name.equals(NORM);
        int rows = name.contains("experts") ? name.contains("down") ? 32 : 16 : ROWS;
        Tensor tensor = vector ? tensors.tensor(name, WIDTH) : tensors.tensor(name, rows, WIDTH);
        assertThat(tensor.floats()).hasSize((int) tensor.elements());
      }
    } catch (ModelFormatException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  private static TensorSource open(String name) throws Exception {
    Path folder = folder(name);
    JsonNode config = new ObjectMapper().readTree(folder.resolve("config.json").toFile());
    return QuantizedTensors.of(WeightFiles.open(folder), folder + "/config.json", config);
  }

  private static JsonNode json(String text) throws Exception {
    return new ObjectMapper().readTree(text.replace('\'', '"'));
  }

  private static Path folder(String name) throws Exception {
    var url = QuantizedTensorsTest.class.getResource("/reference/quant/" + name);
    return Path.of(assertThat(url).as(name).isNotNull().actual().toURI());
  }
}
