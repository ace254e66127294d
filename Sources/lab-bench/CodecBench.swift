import COpus
import CSpandsp
import Codecs
import SansIO

/// A frame of 20 ms out and in again, one core, beside the library alone, which writes into memory of its own.
enum CodecBench {
  private static let count = 200
  private static let turns = 15

  static func run() -> [Row] {
    let opus = compare(.opus(OpusParameters()), RawOpus())
    let g722 = compare(.g722, RawG722())
    return rows("Opus, 32 kbit/s", opus) + rows("G.722", g722)
  }

  private static func rows(_ name: String, _ seconds: (ours: Double, theirs: Double)) -> [Row] {
    [
      Row(name: "\(name), a frame out and in", value: seconds.ours / Double(count) * 1e6, unit: "µs"),
      Row(name: "  the library alone", value: seconds.theirs / Double(count) * 1e6, unit: "µs"),
      Row(name: "  ours over the library's time", value: seconds.ours / seconds.theirs, unit: "×", bar: 1.1, isCeiling: true),
    ]
  }

  /// Turns about, and short ones, so that both see the same machine; the best of each.
  private static func compare(_ codec: Codec, _ raw: any RawCodec) -> (ours: Double, theirs: Double) {
    let frames = samples(codec.sampleRate)
    var best = (ours: Double.infinity, theirs: Double.infinity)
    var (encoder, decoder) = (codec.encoder, codec.decoder)
    var heard = AudioFrame(sampleRate: codec.sampleRate)
    for _ in 0..<turns {
      let ours = Stopwatch.best(of: 1) {
        for frame in frames {
          var payload: [UInt8] = []
          payload.reserveCapacity(codec.usualPayload(milliseconds: 20))
          encoder.encode(frame, into: &payload)
          decoder.decode(Bytes(payload), into: &heard)
        }
      }
      let theirs = Stopwatch.best(of: 1) { for frame in frames { raw.turn(frame.samples) } }
      best = (min(best.ours, ours), min(best.theirs, theirs))
    }
    return best
  }

  /// A saw tooth that glides, with noise: something to encode.
  private static func samples(_ rate: Int) -> [AudioFrame] {
    var (phase, noise): (UInt32, UInt32) = (0, 1)
    return (0..<count).map { index in
      let samples = (0..<rate / 50).map { _ -> Int16 in
        phase &+= UInt32((UInt64(120 + index) << 32) / UInt64(rate))
        noise = noise &* 1_664_525 &+ 1_013_904_223
        return Int16(truncatingIfNeeded: Int32(bitPattern: phase) >> 18) &+ Int16(truncatingIfNeeded: noise >> 24)
      }
      return AudioFrame(samples: samples, sampleRate: rate)
    }
  }
}

/// A codec of a C library with nothing around it.
private protocol RawCodec {
  func turn(_ samples: [Int16])
}

private final class RawOpus: RawCodec {
  private let encoder: OpaquePointer?
  private let decoder: OpaquePointer?
  private let payload = UnsafeMutablePointer<UInt8>.allocate(capacity: 1_275)
  private let heard = UnsafeMutablePointer<Int16>.allocate(capacity: 5_760)

  init() {
    var error: Int32 = 0
    encoder = opus_encoder_create(48_000, 1, OPUS_APPLICATION_VOIP, &error)
    decoder = opus_decoder_create(48_000, 1, &error)
    guard let encoder else { return }
    _ = copus_encoder_set(encoder, OPUS_SET_BITRATE_REQUEST, OpusParameters.usualBitrate)
    _ = copus_encoder_set(encoder, OPUS_SET_COMPLEXITY_REQUEST, 0)
  }

  deinit {
    encoder.map(opus_encoder_destroy)
    decoder.map(opus_decoder_destroy)
    payload.deallocate()
    heard.deallocate()
  }

  func turn(_ samples: [Int16]) {
    guard let encoder, let decoder else { return }
    let count = opus_encode(encoder, samples, Int32(samples.count), payload, 1_275)
    _ = opus_decode(decoder, payload, count, heard, 960, 0)
  }
}

private final class RawG722: RawCodec {
  private let encoder = g722_encode_init(nil, 64_000, 0)
  private let decoder = g722_decode_init(nil, 64_000, 0)
  private let payload = UnsafeMutablePointer<UInt8>.allocate(capacity: 160)
  private let heard = UnsafeMutablePointer<Int16>.allocate(capacity: 320)

  deinit {
    g722_encode_free(encoder)
    g722_decode_free(decoder)
    payload.deallocate()
    heard.deallocate()
  }

  func turn(_ samples: [Int16]) {
    let count = g722_encode(encoder, payload, samples, Int32(samples.count))
    _ = g722_decode(decoder, heard, payload, count)
  }
}
