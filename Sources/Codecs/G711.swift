import SansIO

#if canImport(Glibc)
  import Glibc
#endif

/// G.711 (ITU-T, 1988): μ-law and A-law between 16-bit linear samples and octets, by table.
///
/// The linear values are those of G.711 in 14-bit (μ-law) and 13-bit (A-law) resolution, scaled to 16 bits.
public enum G711 {
  public enum Law: Hashable, Sendable { case mu, a }

  @inlinable
  public static func decode(_ octet: UInt8, _ law: Law) -> Int16 {
    law == .mu ? muDecoding[Int(octet)] : aDecoding[Int(octet)]
  }

  @inlinable
  public static func encode(_ sample: Int16, _ law: Law) -> UInt8 {
    let index = Int(UInt16(bitPattern: sample) &>> 2)
    return law == .mu ? muEncoding[index] : aEncoding[index]
  }

  /// Appends the octets of samples.
  public static func encode(_ samples: [Int16], _ law: Law, into payload: inout [UInt8]) {
    switch law {
    case .mu: muEncoding.withUnsafeBufferPointer { encode(samples, by: $0, into: &payload) }
    case .a: aEncoding.withUnsafeBufferPointer { encode(samples, by: $0, into: &payload) }
    }
  }

  /// By way of the stack, and from there in one piece. Silence, most of what a call sends, is looked up once.
  private static func encode(_ samples: [Int16], by table: UnsafeBufferPointer<UInt8>, into payload: inout [UInt8]) {
    samples.withUnsafeBufferPointer { samples in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: samples.count) { octets in
        if let (least, greatest) = samples.extremes, least == greatest {
          octets.initialize(repeating: table[Int(UInt16(bitPattern: least) &>> 2)])
        } else {
          for index in samples.indices { octets[index] = table[Int(UInt16(bitPattern: samples[index]) &>> 2)] }
        }
        payload.append(contentsOf: UnsafeBufferPointer(octets))
      }
    }
  }

  /// Replaces `samples` by those of a payload: a look-up an octet, into memory that is there already.
  public static func decode(_ payload: Bytes, _ law: Law, into samples: inout [Int16]) {
    let count = payload.count
    resize(&samples, count)
    switch law {
    case .mu: muDecoding.withUnsafeBufferPointer { decode(payload, by: $0, into: &samples) }
    case .a: aDecoding.withUnsafeBufferPointer { decode(payload, by: $0, into: &samples) }
    }
  }

  /// Into samples of which there are as many.
  private static func decode(_ payload: Bytes, by table: UnsafeBufferPointer<Int16>, into samples: inout [Int16]) {
    samples.withUnsafeMutableBufferPointer { samples in
      payload.withUnsafeBytes { octets in
        if isOneOctet(octets) { return samples.update(repeating: table[Int(octets[0])]) }
        for index in samples.indices { samples[index] = table[Int(octets[index])] }
      }
    }
  }

  /// All are the same, as in silence.
  private static func isOneOctet(_ octets: UnsafeRawBufferPointer) -> Bool {
    guard let start = octets.baseAddress, !octets.isEmpty else { return false }
    return memcmp(start, start + 1, octets.count - 1) == 0
  }

  @usableFromInline static let muDecoding: [Int16] = (0...255).map { expandMu(UInt8($0)) }
  @usableFromInline static let aDecoding: [Int16] = (0...255).map { expandA(UInt8($0)) }
  /// By the upper 14 bits of the sample: neither law looks at the lower two.
  @usableFromInline static let muEncoding: [UInt8] = (0..<16_384).map { compressMu(Int16(bitPattern: UInt16($0) << 2)) }
  @usableFromInline static let aEncoding: [UInt8] = (0..<16_384).map { compressA(Int16(bitPattern: UInt16($0) << 2)) }

  /// G.711 Table 2: segment s and step q stand for (2q + 33)·2^s − 33 in 14 bits.
  private static func expandMu(_ octet: UInt8) -> Int16 {
    let inverted = ~octet
    let segment = Int(inverted >> 4 & 7)
    let step = Int(inverted & 15)
    let magnitude = ((2 * step + 33) << segment) - 33
    return Int16((inverted & 0x80 != 0 ? -magnitude : magnitude) * 4)
  }

  private static func compressMu(_ sample: Int16) -> UInt8 {
    let isNegative = sample < 0
    // 14 bits; an arithmetic shift rounds negative values down, hence their magnitude is taken first.
    let magnitude = min((isNegative ? -Int(sample) : Int(sample)) >> 2, 8_158) + 33
    let segment = max(0, 10 - (UInt16(magnitude).leadingZeroBitCount))
    let step = magnitude >> (segment + 1) & 15
    let octet = UInt8(segment << 4 | step) | (isNegative ? 0x80 : 0)
    return ~octet
  }

  /// G.711 Table 1, even bits inverted: segment 0 stands for 2q + 1, segment s for (2q + 33)·2^(s−1), in 13 bits.
  private static func expandA(_ octet: UInt8) -> Int16 {
    let plain = octet ^ 0x55
    let segment = Int(plain >> 4 & 7)
    let step = Int(plain & 15)
    let magnitude = segment == 0 ? 2 * step + 1 : (2 * step + 33) << (segment - 1)
    return Int16((plain & 0x80 != 0 ? magnitude : -magnitude) * 8)
  }

  private static func compressA(_ sample: Int16) -> UInt8 {
    let isNegative = sample < 0
    // In 13 bits the negative half is the mirror of the positive one: −1 and 0 are neighbours across the axis.
    let magnitude = (isNegative ? Int(~sample) : Int(sample)) >> 3
    let segment = max(0, 11 - UInt16(magnitude | 1).leadingZeroBitCount)
    let step = segment == 0 ? magnitude >> 1 & 15 : magnitude >> segment & 15
    let octet = UInt8(segment << 4 | step) | (isNegative ? 0 : 0x80)
    return octet ^ 0x55
  }
}
