package dev.s3llm.cpu;

import org.jspecify.annotations.Nullable;

@SuppressWarnings("ArrayRecordComponent")
record AttentionRule(
    int heads,
    int kvHeads,
    int headSize,
    float scale,
    int window,
    float softcap,
    float @Nullable [] sinks) {}
