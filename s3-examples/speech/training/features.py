"""Log-mel features, the same numbers as the Java class LogMel.

Samples are 16-bit integers divided by 32768, at 16 kHz. Fewer than 400 samples are padded with zeros to 400.

    frames   1 + floor((samples - 400) / 160); frame t has the samples 160 t to 160 t + 399; nothing is padded
    window   0.5 - 0.5 cos(2 pi n / 400), n = 0 to 399 (periodic Hann)
    spectrum |FFT of 512|^2, the 400 windowed samples followed by 112 zeros; bins k = 0 to 256 at k * 31.25 Hz
    mel      2595 log10(1 + f / 700); 66 points equally spaced in mel from 20 to 8,000 Hz give 64 triangles:
             band b has the weight max(0, min((f - p[b]) / (p[b+1] - p[b]), (p[b+2] - f) / (p[b+2] - p[b+1])))
             at the frequency f of a bin, p in Hz; energy = sum of weight * power
    log      natural; values below `floor` become `floor`: log(max(energy, exp(floor)))
    normal   (log - mean[b]) / deviation[b]

All of it is computed in 64-bit floats, because the weak bands of a loud frame lose digits in 32-bit ones.
"""
import json
import math

import numpy as np
import torch

RATE = 16000
WINDOW = 400
HOP = 160
FFT = 512
BANDS = 64
LOW_HZ = 20.0
HIGH_HZ = 8000.0


def mel_weights():
    """The triangles, shape (257, 64), float64."""
    to_mel = lambda hz: 2595.0 * math.log10(1.0 + hz / 700.0)
    points = np.linspace(to_mel(LOW_HZ), to_mel(HIGH_HZ), BANDS + 2)
    points = 700.0 * (10.0 ** (points / 2595.0) - 1.0)
    bins = np.arange(FFT // 2 + 1)[:, None] * (RATE / FFT)
    rising = (bins - points[:-2]) / (points[1:-1] - points[:-2])
    falling = (points[2:] - bins) / (points[2:] - points[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


def mel_energies(samples, device):
    """Mel energies of one recording (float samples), shape (frames, 64), float64, on the device."""
    samples = torch.as_tensor(samples, dtype=torch.float64, device=device)
    if samples.numel() < WINDOW:
        samples = torch.nn.functional.pad(samples, (0, WINDOW - samples.numel()))
    window = 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(WINDOW, dtype=torch.float64, device=device) / WINDOW)
    spectrum = torch.fft.rfft(samples.unfold(0, WINDOW, HOP) * window, n=FFT)
    power = spectrum.real**2 + spectrum.imag**2
    return power @ torch.as_tensor(mel_weights(), device=device)


class Features:
    """The settings of preprocessor_config.json: floor, mean and deviation of each band."""

    def __init__(self, floor, mean, deviation):
        self.floor, self.mean, self.deviation = floor, mean, deviation

    @staticmethod
    def measure(energies):
        """Measures the settings on the energies of the training part."""
        logs = torch.log(torch.cat(energies).clamp_min(1e-20))
        values = logs.flatten().sort().values
        floor = float(values[int(0.02 * len(values))])
        logs = logs.clamp_min(floor)
        return Features(round(floor, 6), [round(float(v), 6) for v in logs.mean(0)],
                        [round(float(v), 6) for v in logs.std(0, unbiased=False)])

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        return Features(config["log_floor"], config["mean"], config["deviation"])

    def save(self, path):
        config = {
            "feature_extractor_type": "LogMel",
            "sampling_rate": RATE,
            "window_size": WINDOW,
            "hop_size": HOP,
            "window": "hann_periodic",
            "fft_size": FFT,
            "num_mel_bands": BANDS,
            "mel_scale": "htk",
            "low_frequency": LOW_HZ,
            "high_frequency": HIGH_HZ,
            "log_floor": self.floor,
            "mean": self.mean,
            "deviation": self.deviation,
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2)
            file.write("\n")

    def logs(self, energies):
        """Clamped logarithms, float32; not yet normalised."""
        return torch.log(energies.clamp_min(math.exp(self.floor))).float()

    def normalise(self, logs):
        mean = torch.tensor(self.mean, dtype=torch.float32, device=logs.device)
        deviation = torch.tensor(self.deviation, dtype=torch.float32, device=logs.device)
        return (logs - mean) / deviation

    def __call__(self, samples, device="cpu"):
        """Normalised features of one recording, shape (frames, 64), float32."""
        return self.normalise(self.logs(mel_energies(samples, device)))
