import Codecs
import SDP
import SansIO

/// A sine tone.
public struct Tone: Hashable, Sendable, Codable {
  /// Hertz, below half of the codec's sampling rate.
  public var frequency: Int
  /// Peak, in parts of full scale 32,767.
  public var amplitude: Int16

  public init(frequency: Int, amplitude: Int16 = 8_000) {
    self.frequency = frequency
    self.amplitude = amplitude
  }
}

/// A tone as payload, for packets that no stream sends.
public struct ToneSpeech: Sendable {
  private var source: ToneSource
  private var encoder: AudioEncoder
  private var frame: AudioFrame
  /// Milliseconds of audio in each packet.
  private let packetTime: Int
  private let codec: Codec

  public init(_ tone: Tone, codec: AudioCodec, packetTime: Int = 20) {
    let codec = codec.spoken
    self.codec = codec
    self.packetTime = packetTime
    source = ToneSource(tone, sampleRate: codec.sampleRate)
    encoder = codec.encoder
    frame = AudioFrame(sampleRate: codec.sampleRate)
  }

  /// What the RTP timestamp moves on by from packet to packet.
  public var ticksPerPacket: UInt32 { codec.ticks(milliseconds: packetTime) }

  /// The payload of the next packet.
  public mutating func next() -> Bytes {
    frame.resize(codec.samples(milliseconds: packetTime))
    source.fill(&frame)
    var payload: [UInt8] = []
    encoder.encode(frame, into: &payload)
    return Bytes(payload)
  }
}
