// Vectors as JSON carries them: numbers with the fewest digits that return the same float32, and
// base64 of little-endian float32.
#pragma once

#include <span>
#include <string>

namespace lacos::serve {

// Appends the number. A client that parses it as a double and rounds that to float32 gets the same
// bits, -0 included. It has a point or an exponent, so that typed readers see a float. The value must
// be finite.
void AppendFloat(float value, std::string& out);

// Appends [0.5,-1.25,...].
void AppendFloats(std::span<const float> values, std::string& out);

// Appends the base64 form, without quotes.
void AppendBase64(std::span<const float> values, std::string& out);

}  // namespace lacos::serve
