package dev.s3llm.model.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.SafetensorsFile;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFiles;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantised folders decode to the references; see {@code src/test/reference/quant.py}. */
class QuantizedTensorsTest {
  private static final int ROWS = 24;
  private static final int WIDTH = 64;
  private static final String MATRIX = "model.layers.0.mlp.up_proj.weight";
  private static final String NORM = "model.norm.weight";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gptq4",
        "gptq4-order",
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
        "{'quant_method':'hqq'} | quant_method is hqq, which is not supported; supported: awq, bits",
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
        "{'quant_method':'compressed-tensors','sparsity_config':{'format':'sparse-24-bitmask'}} | sp",
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
