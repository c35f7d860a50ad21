/** Length prediction, memory planning, scheduling and recovery for text generation. */
@SuppressWarnings("module") // the modules that get a package of their own are built after this one
module dev.s3llm.core {
  requires com.google.common;
  requires jdk.jfr;
  requires org.slf4j;
  requires static transitive org.jspecify;

  exports dev.s3llm;
  exports dev.s3llm.error;
  exports dev.s3llm.execute;
  exports dev.s3llm.memory;
  exports dev.s3llm.observe;
  exports dev.s3llm.predict;
  exports dev.s3llm.recover;
  exports dev.s3llm.schedule;
  exports dev.s3llm.simulate;
  exports dev.s3llm.engine.loop to
      dev.s3llm.testkit;
  exports dev.s3llm.engine.plan to
      dev.s3llm.testkit;
  exports dev.s3llm.stream to
      dev.s3llm.text;
  exports dev.s3llm.support to
      dev.s3llm.cpu,
      dev.s3llm.jcuda,
      dev.s3llm.model,
      dev.s3llm.onnx,
      dev.s3llm.testkit,
      dev.s3llm.text;
}
