import CSpeexDSP

/// Brings audio from one sampling rate to another through libspeexdsp.
///
/// What its filter remembers belongs to one value: when a value and its copy are both used, the one that is used first begins anew, as if
/// silence had come before, and the other goes on. It allocates when it is made and when such a copy is used.
public struct Resampler: Sendable {
  public let inputRate: Int
  public let outputRate: Int
  private var filter: Filter?

  /// Of 0 to 10 of libspeexdsp: good for speech, 3 to 5 ms of delay.
  private static let quality: Int32 = 4

  /// - Parameters: rates in hertz, greater than 0. Between equal ones samples pass unchanged.
  public init(from inputRate: Int, to outputRate: Int) {
    precondition(inputRate > 0 && outputRate > 0, "a sampling rate is greater than 0")
    (self.inputRate, self.outputRate) = (inputRate, outputRate)
    filter = inputRate == outputRate ? nil : Filter(inputRate, outputRate)
  }

  /// Output samples by which what is heard comes later.
  public var delay: Int { filter.map { Int(speex_resampler_get_output_latency($0.pointer)) } ?? 0 }

  /// Appends what these samples become to `output`.
  public mutating func append(_ samples: [Int16], to output: inout [Int16]) {
    guard filter != nil else { return output.append(contentsOf: samples) }
    if !isKnownUniquelyReferenced(&filter) { filter = Filter(inputRate, outputRate) }
    filter?.append(samples, to: &output, room: samples.count * outputRate / inputRate + 2)
  }

  /// The state of libspeexdsp, and room for what it makes of a frame.
  // Unchecked: the resampler that made it is its only user.
  private final class Filter: @unchecked Sendable {
    let pointer: OpaquePointer
    private var room: UnsafeMutableBufferPointer<Int16>

    init(_ input: Int, _ output: Int) {
      var error: Int32 = 0
      guard let made = speex_resampler_init(1, UInt32(input), UInt32(output), Resampler.quality, &error) else {
        preconditionFailure("libspeexdsp makes no resampler: \(error)")
      }
      pointer = made
      room = .allocate(capacity: output / 25)
    }

    deinit {
      speex_resampler_destroy(pointer)
      room.deallocate()
    }

    func append(_ samples: [Int16], to output: inout [Int16], room needed: Int) {
      if room.count < needed {
        room.deallocate()
        room = .allocate(capacity: needed)
      }
      let made = samples.withUnsafeBufferPointer { input -> Int in
        guard let from = input.baseAddress, let base = room.baseAddress, !input.isEmpty else { return 0 }
        var (taken, made) = (UInt32(input.count), UInt32(needed))
        speex_resampler_process_int(pointer, 0, from, &taken, base, &made)
        return Int(made)
      }
      output.append(contentsOf: UnsafeBufferPointer(rebasing: room[..<made]))
    }
  }
}
