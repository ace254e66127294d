import CZlib
import SansIO

/// Unpacks DEFLATE (RFC 1951), piece by piece: each refers to those before.
public final class Inflater {
  private let stream: UnsafeMutablePointer<z_stream>

  public init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_begin_deflate(stream) == Z_OK else { return nil }
  }

  deinit {
    inflateEnd(stream)
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// - Parameter most: bytes that it may become.
  /// - Returns: nil for what is damaged, or becomes more than that.
  public func unpack(_ packed: [UInt8], most: Int) -> Bytes? {
    var packed = packed
    var result: [UInt8] = []
    var status = Z_OK
    packed.withUnsafeMutableBufferPointer { buffer in
      stream.pointee.next_in = buffer.baseAddress
      stream.pointee.avail_in = UInt32(clamping: buffer.count)
      repeat {
        let piece = [UInt8](unsafeUninitializedCapacity: 16_384) { room, count in
          stream.pointee.next_out = room.baseAddress
          stream.pointee.avail_out = UInt32(room.count)
          status = inflate(stream, Z_SYNC_FLUSH)
          count = room.count - Int(stream.pointee.avail_out)
        }
        result += piece
      } while status == Z_OK && stream.pointee.avail_out == 0 && result.count <= most
    }
    // Nothing left to do is no mistake.
    return (status == Z_OK || status == Z_BUF_ERROR || status == Z_STREAM_END) && result.count <= most ? Bytes(result) : nil
  }
}
