import SansIO

/// A WAV file of 16-bit PCM: what a prompt is played from, and what was heard is recorded to (Microsoft and IBM, Multimedia Programming
/// Interface and Data Specifications 1.0, August 1991).
public struct WaveFile: Hashable, Sendable {
  /// One channel; of several the first.
  public var samples: [Int16]
  /// Hertz: 8,000, 16,000 or 48,000.
  public var sampleRate: Int

  public init(samples: [Int16], sampleRate: Int) { (self.samples, self.sampleRate) = (samples, sampleRate) }

  /// Why a file cannot be played, and where in it that is.
  public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Octets from the beginning.
    public var position: Int
    public var reason: String

    public var description: String { "octet \(position): \(reason)" }
  }

  public static let sampleRates = [8_000, 16_000, 48_000]
  /// A prompt is no concert: ten minutes at 48 kHz, two channels.
  public static let largest = 120_000_000

  public static func parse(_ bytes: Bytes) throws(Fault) -> WaveFile {
    var reader = Reader(bytes: bytes)
    guard bytes.count <= largest else { throw Fault(position: largest, reason: "a file of more than \(largest) octets is not played") }
    guard reader.word(at: 0) == "RIFF", reader.word(at: 8) == "WAVE" else {
      throw Fault(position: 0, reason: "a WAV file begins with RIFF, four octets of length, and WAVE")
    }
    reader.position = 12
    var format: Format?
    while let chunk = try reader.nextChunk() {
      switch chunk.id {
      case "fmt ": format = try Format(reader, chunk)
      case "data":
        guard let format else { throw Fault(position: chunk.start - 8, reason: "the chunk 'fmt ' has to come before 'data'") }
        return try reader.audio(chunk, format)
      default: break
      }
    }
    throw Fault(position: bytes.count, reason: format == nil ? "there is no chunk 'fmt '" : "there is no chunk 'data'")
  }

  private struct Chunk {
    var id: String
    /// Of its content.
    var start: Int
    var count: Int
  }

  private struct Format {
    var channels: Int
    var sampleRate: Int

    init(_ reader: Reader, _ chunk: Chunk) throws(Fault) {
      guard chunk.count >= 16 else { throw Fault(position: chunk.start, reason: "the chunk 'fmt ' has \(chunk.count) octets, not 16") }
      let tag = reader.number16(at: chunk.start)
      // WAVE_FORMAT_EXTENSIBLE names the coding at the beginning of its subformat.
      let coding = tag == 0xFFFE && chunk.count >= 26 ? reader.number16(at: chunk.start + 24) : tag
      guard coding == 1 else { throw Fault(position: chunk.start, reason: "coding \(coding) is not PCM, which is 1") }
      channels = reader.number16(at: chunk.start + 2)
      guard (1...8).contains(channels) else { throw Fault(position: chunk.start + 2, reason: "\(channels) is not a number of channels") }
      sampleRate = reader.number32(at: chunk.start + 4)
      guard WaveFile.sampleRates.contains(sampleRate) else {
        throw Fault(position: chunk.start + 4, reason: "\(sampleRate) Hz is not a rate that is played: 8000, 16000 and 48000 Hz are")
      }
      let bits = reader.number16(at: chunk.start + 14)
      guard bits == 16 else { throw Fault(position: chunk.start + 14, reason: "samples of \(bits) bits are not played, those of 16 are") }
    }
  }

  private struct Reader {
    let bytes: Bytes
    var position = 0

    func word(at place: Int) -> String {
      guard place + 4 <= bytes.count else { return "" }
      return String(decoding: bytes[place..<place + 4], as: UTF8.self)
    }

    func number16(at place: Int) -> Int { place + 2 <= bytes.count ? Int(bytes[place]) | Int(bytes[place + 1]) << 8 : 0 }
    func number32(at place: Int) -> Int { number16(at: place) | number16(at: place + 2) << 16 }

    mutating func nextChunk() throws(Fault) -> Chunk? {
      guard position + 8 <= bytes.count else {
        guard position >= bytes.count else { throw Fault(position: position, reason: "the head of a chunk is cut off") }
        return nil
      }
      let chunk = Chunk(id: word(at: position), start: position + 8, count: number32(at: position + 4))
      guard chunk.start + chunk.count <= bytes.count else {
        let rest = bytes.count - chunk.start
        throw Fault(position: position + 4, reason: "the chunk '\(chunk.id)' has \(chunk.count) octets, and \(rest) follow")
      }
      // Chunks begin at even places.
      position = chunk.start + chunk.count + chunk.count % 2
      return chunk
    }

    func audio(_ chunk: Chunk, _ format: Format) throws(Fault) -> WaveFile {
      let step = 2 * format.channels
      guard chunk.count % step == 0 else {
        throw Fault(position: chunk.start + chunk.count / step * step, reason: "the last sample is cut off")
      }
      let samples = (0..<chunk.count / step).map { Int16(truncatingIfNeeded: number16(at: chunk.start + $0 * step)) }
      return WaveFile(samples: samples, sampleRate: format.sampleRate)
    }
  }

  /// As a file of one channel.
  public var serialized: [UInt8] {
    var bytes = Self.header(samples: samples.count, sampleRate: sampleRate)
    bytes.reserveCapacity(bytes.count + 2 * samples.count)
    for sample in samples { Self.append(Int(UInt16(bitPattern: sample)), 2, to: &bytes) }
    return bytes
  }

  /// The 44 octets before so many samples of one channel.
  public static func header(samples: Int, sampleRate: Int) -> [UInt8] {
    var bytes = Array("RIFF".utf8)
    append(36 + 2 * samples, 4, to: &bytes)
    bytes += Array("WAVEfmt ".utf8)
    for (value, width) in [(16, 4), (1, 2), (1, 2), (sampleRate, 4), (2 * sampleRate, 4), (2, 2), (16, 2)] {
      append(value, width, to: &bytes)
    }
    bytes += Array("data".utf8)
    append(2 * samples, 4, to: &bytes)
    return bytes
  }

  private static func append(_ value: Int, _ width: Int, to bytes: inout [UInt8]) {
    for octet in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * octet))) }
  }
}
